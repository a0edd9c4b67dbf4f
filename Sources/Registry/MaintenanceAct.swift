package import Domain

/// What was done to history for good or for its upkeep, in names and counts: never a key or a value.
package enum MaintenanceAct: Sendable, Hashable {
    /// A key of this entity was forgotten: `rows` of each view went, with the rows of spines.
    case forget(
        EntityName,
        rows: [FeatureViewName: UInt64],
        logEntry: UInt64,
        trainingSets: Int
    )
    /// Rows of these log entries were hidden, of one view or of all.
    case retract(
        FeatureViewName?,
        entries: ClosedRange<UInt64>,
        importID: String?,
        rows: UInt64,
        logEntry: UInt64
    )
    /// Rows went by the view's rule.
    case retention(FeatureViewName, RetentionRule, rows: UInt64)
    /// All rows of a view that was dropped.
    case erase(FeatureViewName, rows: UInt64)
    /// What an import had staged was freed.
    case abandonImport(String, of: FeatureViewName, rows: UInt64)
    /// Segments became fewer.
    case compact(FeatureViewName, segmentsBefore: Int, segmentsAfter: Int, rows: UInt64)
    /// All of the directory was backed up, as it was at this log entry.
    case backup(String, logEntry: UInt64, newBytes: UInt64)
    /// The directory was made of a backup, and so many keys were forgotten again.
    case restore(String, logEntry: UInt64, keys: Int)
}

extension MaintenanceAct {
    fileprivate var name: String {
        switch self {
        case .forget: "forget"
        case .retract: "retract"
        case .retention: "retention"
        case .erase: "erase dropped view"
        case .abandonImport: "abandon import"
        case .compact: "compact"
        case .backup: "backup"
        case .restore: "restore"
        }
    }

    fileprivate func object(_ project: ProjectName) -> String {
        switch self {
        case .forget(let entity, _, _, _): "entity:\(entity)"
        case .retract(let view?, _, _, _, _): "view:\(view)"
        case .retract(nil, _, _, _, _): "project:\(project)"
        case .retention(let view, _, _): "view:\(view)"
        case .erase(let view, _): "view:\(view)"
        case .abandonImport(_, let view, _): "view:\(view)"
        case .compact(let view, _, _, _): "view:\(view)"
        case .backup(let name, _, _), .restore(let name, _, _): "backup:\(name)"
        }
    }

    fileprivate func detail(_ project: ProjectName) -> MaintenanceDetail {
        var detail = MaintenanceDetail(project: project.text)
        switch self {
        case .forget(_, let rows, let logEntry, let trainingSets):
            detail.rows = rows.values.reduce(0, +)
            detail.views = Dictionary(uniqueKeysWithValues: rows.map { ($0.key.text, $0.value) })
            detail.logEntry = logEntry
            detail.trainingSets = trainingSets
        case .retract(_, let entries, let importID, let rows, let logEntry):
            detail.rows = rows
            detail.firstEntry = entries.lowerBound
            detail.lastEntry = entries.upperBound
            detail.importID = importID
            detail.logEntry = logEntry
        case .retention(_, let rule, let rows):
            detail.rows = rows
            detail.rule = rule.description
        case .erase(_, let rows): detail.rows = rows
        case .abandonImport(let id, _, let rows):
            detail.rows = rows
            detail.importID = id
        case .compact(_, let before, let after, let rows):
            detail.rows = rows
            detail.segmentsBefore = before
            detail.segmentsAfter = after
        case .backup(_, let logEntry, let newBytes):
            detail.logEntry = logEntry
            detail.newBytes = newBytes
        case .restore(_, let logEntry, let keys):
            detail.logEntry = logEntry
            detail.keys = keys
        }
        return detail
    }
}

/// What the audit table keeps of it.
private struct MaintenanceDetail: Encodable {
    var project: String
    var rows: UInt64 = 0
    var views: [String: UInt64]?
    var logEntry: UInt64?
    var trainingSets: Int?
    var firstEntry: UInt64?
    var lastEntry: UInt64?
    var importID: String?
    var rule: String?
    var segmentsBefore: Int?
    var segmentsAfter: Int?
    var newBytes: UInt64?
    var keys: Int?

    init(project: String) { self.project = project }

    private enum CodingKeys: String, CodingKey {
        case project
        case rows
        case views
        case logEntry = "log_entry"
        case trainingSets = "training_sets"
        case firstEntry = "first_entry"
        case lastEntry = "last_entry"
        case importID = "import"
        case rule
        case segmentsBefore = "segments_before"
        case segmentsAfter = "segments_after"
        case newBytes = "new_bytes"
        case keys
    }
}

extension RegistryStore {
    /// Adds the act to the audit table; once, where the call is repeated with its request id.
    package func record(_ maintenance: MaintenanceAct, call: WriteCall) throws(AlulaError) {
        let (name, object) = (maintenance.name, maintenance.object(call.project))
        try act { tables in
            guard try !tables.hasAudited(name, object, call) else { return }
            try tables.audit(name, object, maintenance.detail(call.project), call)
        }
    }

    /// Likewise, and keeps the answer under the request id: a repeat gets the first one.
    package func record(
        _ maintenance: MaintenanceAct,
        call: WriteCall,
        answer: [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        let (name, object) = (maintenance.name, maintenance.object(call.project))
        return try write(name, call: call) { tables in
            try tables.audit(name, object, maintenance.detail(call.project), call)
            return answer
        }
    }
}
