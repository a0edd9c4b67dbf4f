package import Domain
import GRDB

/// A view with a max age that is fresh no longer, or again.
package struct FreshnessChange: Sendable, Hashable {
    package var view: FeatureViewID
    package var name: FeatureViewName
    package var project: ProjectName
    package var isLost: Bool
    /// In words, with the times.
    package var detail: String

    package init(
        view: FeatureViewID,
        name: FeatureViewName,
        project: ProjectName,
        isLost: Bool,
        detail: String
    ) {
        self.view = view
        self.name = name
        self.project = project
        self.isLost = isLost
        self.detail = detail
    }
}

extension RegistryStore {
    /// Views that were told to be fresh no longer, and not yet to be fresh again.
    package func viewsNotFresh() throws(AlulaError) -> [FreshnessChange] {
        try read { tables in
            try tables.rows("SELECT * FROM freshness_lost ORDER BY view", []).map { row in
                FreshnessChange(
                    view: FeatureViewID(UInt32(clamping: row["view"] as Int64)),
                    name: try FeatureViewName(row["name"], as: "view"),
                    project: try ProjectName(row["project"], as: "project"),
                    isLost: true,
                    detail: ""
                )
            }
        }
    }

    /// Keeps where views stand, of any project, and tells of each change, once however often it is
    /// said; all in one transaction.
    package func keep(_ changes: [FreshnessChange], call: WriteCall) throws(AlulaError) {
        guard !changes.isEmpty else { return }
        try act { tables in
            for change in changes { try tables.keep(change, call) }
        }
    }
}

extension RegistryTables {
    fileprivate func keep(_ change: FreshnessChange, _ call: WriteCall) throws {
        if change.isLost {
            try execute(
                "INSERT OR IGNORE INTO freshness_lost VALUES (?, ?, ?, ?)",
                [
                    Int64(change.view.number), change.project.text, change.name.text,
                    call.now.microseconds,
                ]
            )
        } else {
            try execute(
                "DELETE FROM freshness_lost WHERE view = ?",
                [Int64(change.view.number)]
            )
        }
        guard database.changesCount > 0 else { return }
        try tell(change, call)
    }
}
