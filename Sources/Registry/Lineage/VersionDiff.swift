package import Domain
import GRDB

/// What differs between two versions of a model.
package struct VersionDiff: Sendable, Hashable {
    package struct Item: Sendable, Hashable {
        package var key: String
        /// Nil where it was added.
        package var before: String?
        /// Nil where it is gone.
        package var after: String?
        /// Of numbers.
        package var change = ""
    }

    package struct Section: Sendable, Hashable {
        package var name: String
        /// What differs.
        package var items: [Item]
        /// How many do not.
        package var same: Int
    }

    package var model: RegisteredModelName
    package var before: UInt32
    package var after: UInt32
    package var sections: [Section] = []

    package init(model: RegisteredModelName, before: UInt32, after: UInt32) {
        self.model = model
        self.before = before
        self.after = after
    }

    /// Adds what differs, in the order in which it is first named.
    package mutating func add(
        _ section: String,
        _ before: [(key: String, value: String)],
        _ after: [(key: String, value: String)]
    ) {
        let old = Dictionary(before.map { ($0.key, $0.value) }) { first, _ in first }
        let new = Dictionary(after.map { ($0.key, $0.value) }) { first, _ in first }
        var seen: Set<String> = []
        var found = Section(name: section, items: [], same: 0)
        for key in (before + after).map(\.key) where seen.insert(key).inserted {
            guard old[key] != new[key] else {
                found.same += 1
                continue
            }
            found.items.append(Item(key: key, before: old[key], after: new[key]))
        }
        sections.append(found)
    }

    /// Likewise, of numbers, which also have a difference; NaN is equal to NaN.
    package mutating func add(
        _ section: String,
        _ before: [(key: String, value: Double)],
        _ after: [(key: String, value: Double)]
    ) {
        add(section, before.map { ($0.key, "\($0.value)") }, after.map { ($0.key, "\($0.value)") })
        let place = sections.count - 1
        for index in sections[place].items.indices {
            let key = sections[place].items[index].key
            guard let old = before.first(where: { $0.key == key })?.value,
                let new = after.first(where: { $0.key == key })?.value
            else { continue }
            let change = new - old
            sections[place].items[index].change =
                change.isNaN ? "" : (change < 0 ? "" : "+") + Self.short(change)
        }
    }

    /// With the noise of the last digits rounded away.
    private static func short(_ number: Double) -> String {
        guard number.isFinite, number.magnitude < 1e15 else { return "\(number)" }
        let rounded = (number * 1e9).rounded() / 1e9
        return rounded == 0 || !rounded.isFinite ? "\(number)" : "\(rounded)"
    }
}

extension RegistryStore {
    package func diff(
        of name: RegisteredModelName,
        before: UInt32,
        after: UInt32,
        project: ProjectName
    ) throws(AlulaError) -> VersionDiff {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            return try tables.diff(
                try tables.requireVersion(before, of: model),
                try tables.requireVersion(after, of: model),
                project
            )
        }
    }
}

extension RegistryTables {
    package func diff(
        _ before: ModelVersion,
        _ after: ModelVersion,
        _ project: ProjectName
    ) throws -> VersionDiff {
        var diff = VersionDiff(model: after.model, before: before.number, after: after.number)
        diff.add("params", Self.sorted(before.params), Self.sorted(after.params))
        diff.add("metrics", Self.metrics(of: before), Self.metrics(of: after))
        diff.add(
            "features",
            try features(of: before.service, project),
            try features(of: after.service, project)
        )
        diff.add("data", try data(of: before), try data(of: after))
        diff.add("inputs", try items(.input, of: before), try items(.input, of: after))
        diff.add("outputs", try items(.output, of: before), try items(.output, of: after))
        diff.add("artifacts", Self.artifacts(of: before), Self.artifacts(of: after))
        diff.add("code", Self.code(of: before), Self.code(of: after))
        diff.add("tags", Self.sorted(before.tags), Self.sorted(after.tags))
        return diff
    }

    private static func sorted(_ pairs: [String: String]) -> [(key: String, value: String)] {
        pairs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func metrics(of version: ModelVersion) -> [(key: String, value: Double)] {
        version.metrics.map {
            ($0.dataSet.isEmpty ? $0.name.text : "\($0.name) on \($0.dataSet)", $0.value)
        }
    }

    private static func artifacts(of version: ModelVersion) -> [(key: String, value: String)] {
        version.artifacts.map { ($0.name, "\($0.digest), \($0.bytes) bytes") }
    }

    /// What the run of a version read, or made.
    private func items(
        _ direction: Direction,
        of version: ModelVersion
    ) throws -> [(key: String, value: String)] {
        let run = try row("SELECT * FROM run WHERE id = ?", [version.run.text])
        guard let run else { return [] }
        return try items(direction, of: try Self.runRow(run)).map { item in
            guard item.kind == .artifact else {
                return ("\(item.kind.rawValue) \(item.target)", item.name)
            }
            return ("artifact \(item.name)", "\(item.target), \(item.bytes) bytes")
        }
    }

    private static func code(of version: ModelVersion) -> [(key: String, value: String)] {
        let facts = [
            ("revision", version.codeRevision), ("run", version.run.text), ("by", version.actor),
            ("description", version.description),
        ]
        return facts.filter { !$0.1.isEmpty }.map { (key: $0.0, value: $0.1) }
    }

    /// The columns of a service version: where each is from, its type, and how old it may be.
    private func features(
        of service: FeatureServiceReference?,
        _ project: ProjectName
    ) throws -> [(key: String, value: String)] {
        guard let service else { return [] }
        let key = [project.text, service.name.text]
        let columns = try rows(
            """
            SELECT c.column_name, p.view_name, c.name, c.type, p.lookback, p.max_age
            FROM service s JOIN projection p ON p.service = s.id
            JOIN selection c ON c.service = p.service AND c.version = p.version
                AND c.projection = p.position
            WHERE s.project = ? AND s.name = ? AND p.version = ?
            ORDER BY p.position, c.position
            """,
            [key[0], key[1], service.version]
        ).map { row in
            var text =
                "\(row["view_name"] as String):\(row["name"] as String) "
                + (row["type"] as String)
            let spans: [Int64?] = [row["lookback"], row["max_age"]]
            if let span = spans[0] { text += ", look-back \(TimeSpan(microseconds: span))" }
            if let span = spans[1] { text += ", max age \(TimeSpan(microseconds: span))" }
            return (key: row["column_name"] as String, value: text)
        }
        let fields = try rows(
            """
            SELECT f.name, f.type FROM service s JOIN request_field f ON f.service = s.id
            WHERE s.project = ? AND s.name = ? AND f.version = ? ORDER BY f.position
            """,
            [key[0], key[1], service.version]
        ).map { (key: $0["name"] as String, value: "of the request, \($0["type"] as String)") }
        return [("service version", service.description)] + columns + fields
    }

    /// The training set and how each view of it was joined.
    private func data(of version: ModelVersion) throws -> [(key: String, value: String)] {
        guard let id = version.trainingSet, let set = try trainingSet(id) else { return [] }
        var facts: [(key: String, value: String)] = [
            ("training set", id.text), ("digest", set.digest.description), ("rows", "\(set.rows)"),
            ("log entry", "\(set.logEntry)"), ("spine", set.spineName),
            ("spine digest", set.spineDigest.description), ("label", set.label),
            ("as known", set.asKnown ? "yes" : "no"),
            ("rows blanked by deletion", "\(set.blankedRows)"),
        ]
        for report in set.reports {
            facts += [
                ("\(report.label): matched", "\(report.matched)"),
                ("\(report.label): expired", "\(report.expired)"),
                ("\(report.label): not found", "\(report.notFound)"),
                ("\(report.label): late", "\(report.late)"),
                ("\(report.label): of unknown time", "\(report.unknown)"),
                ("\(report.label): oldest event", report.oldestEvent.map { "\($0)" } ?? ""),
                ("\(report.label): newest event", report.newestEvent.map { "\($0)" } ?? ""),
            ]
        }
        return facts.filter { !$0.value.isEmpty }
    }
}
