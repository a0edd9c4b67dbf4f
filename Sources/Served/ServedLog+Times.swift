package import Domain
import GRDB
import Offline
import Profiles

extension ServedLog {
    /// Models whose vectors are in the file.
    package func servedModels() throws(AlulaError) -> [ServedModel.Name] {
        try offline.readBeside { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT project, model FROM served_segment WHERE kind = 0
                    ORDER BY project, model
                    """
            ).map {
                ServedModel.Name(
                    try ProjectName($0["project"], as: "project"),
                    try RegisteredModelName($0["model"], as: "model")
                )
            }
        }
    }

    /// A time before which, from this one on, no vector of the file was served.
    ///
    /// Nil where there is none from then on. Where a segment begins before and ends behind it, that is
    /// the time itself.
    package func firstVector(
        of name: ServedModel.Name,
        from time: Timestamp
    ) throws(AlulaError) -> Timestamp? {
        try offline.readBeside { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT MIN(MAX(first, :from)) FROM served_segment
                    WHERE project = :project AND model = :model AND kind = 0 AND last >= :from
                    """,
                arguments: [
                    "from": time.microseconds, "project": name.project.text,
                    "model": name.model.text,
                ]
            ).map(Timestamp.init(microseconds:))
        }
    }
}

extension ServedModel.Name {
    /// The profiles of what it was served.
    var profiles: ProfileSubject { .model(project, model) }
}
