import Artifacts
import Catalog
import Domain
import Ingest
import Offline
import Registry
import Served
import Wire

extension Dispatcher {
    /// Checks every block, online row, artifact and record, of all projects.
    func verify(_ call: Call) throws -> Answer {
        let progress = ProgressItems(call)
        let snapshot = services.catalog.snapshot
        // What is left of dropped views is erased behind.
        let views =
            (snapshot.projects.values.flatMap(\.views.values)
            + snapshot.droppedViews.map(\.view)).sorted { $0.id.number < $1.id.number }
        try waitUntilApplied(services.ingestor.lastEntry, call)
        var answer = WireVerifyResponse()
        var problems = Problems()
        let history = try services.offline.verify(
            views: views,
            isCancelled: { progress.isCancelled },
            progress: { progress.send(WireVerifyProgress("history", done: $0, total: $1)) }
        )
        problems.add(history.problems, of: UInt64(history.problemCount))
        answer.segments = UInt64(history.segments)
        answer.historyRows = history.rows
        answer.blocks = history.blocks
        let online = try services.ingestor.verifyOnline(
            views: views,
            cancelled: { progress.isCancelled },
            progress: { progress.send(WireVerifyProgress("online", done: $0, total: $1)) }
        )
        problems.add(online.problems, of: UInt64(online.problems.count))
        answer.onlineRows = online.rows
        let served = try services.served.verify(
            isCancelled: { progress.isCancelled },
            progress: {
                progress.send(WireVerifyProgress("prediction log", done: $0, total: $1))
            }
        )
        problems.add(served.problems, of: served.problemCount)
        answer.servedSegments = served.segments
        answer.servedRows = served.rows
        answer.servedBlocks = served.blocks
        answer.artifacts = try verifyArtifacts(&problems, progress)
        answer.notes = try unnamedArtifacts()
        answer.trainingSets = try verifyRegistry(&problems, progress)
        try call.checkEnded()
        answer.problemCount = problems.count
        answer.problems = problems.first
        return try Answer(answer)
    }

    /// Hashes every artifact that a record names; gives how many there are.
    private func verifyArtifacts(
        _ problems: inout Problems,
        _ progress: ProgressItems
    ) throws -> UInt64 {
        var names: [ContentDigest: [String]] = [:]
        for (digest, name) in try services.registry.namedArtifacts() {
            names[digest, default: []].append(name)
        }
        var done: UInt64 = 0
        for (digest, names) in names.sorted(by: { $0.value[0] < $1.value[0] }) {
            let isIntact = try services.artifacts.isIntact(digest) { progress.isCancelled }
            let more = names.count > 1 ? " and \(names.count - 1) more" : ""
            if isIntact == nil {
                // It may have been blanked, or removed with the last record of it, meanwhile.
                if try services.registry.isNamed(digest) {
                    problems.add("artifact \(digest), \(names[0])\(more), is missing")
                }
            } else if isIntact == false {
                problems.add(
                    "artifact \(digest), \(names[0])\(more), is damaged: its content has another digest"
                )
            }
            done += 1
            progress.send(
                WireVerifyProgress("artifacts", done: done, total: UInt64(names.count))
            )
        }
        return UInt64(names.count)
    }

    /// Files of the artifact store that no record names, a day old or older.
    private func unnamedArtifacts() throws -> [String] {
        let (content, strangers) = try services.artifacts.entries()
        let named = Set(try services.registry.namedArtifacts().map(\.digest))
        let day = services.now() - TimeSpan.seconds(86_400)
        let unnamed = content.filter { !named.contains($0.digest) && $0.modified < day }
        var notes: [String] = []
        if !unnamed.isEmpty {
            let bytes = unnamed.reduce(0) { $0 + $1.bytes }
            notes.append(
                "\(unnamed.count) artifacts of \(bytes) bytes in all are named by no record for a day or "
                    + "longer, such as \(unnamed[0].digest)"
            )
        }
        for path in strangers.prefix(10) { notes.append("\(path) is no artifact") }
        return notes
    }

    /// Compares records with history; gives how many training sets there are.
    private func verifyRegistry(
        _ problems: inout Problems,
        _ progress: ProgressItems
    ) throws -> UInt64 {
        let snapshot = services.catalog.snapshot
        let last = services.ingestor.lastEntry
        for (id, figures) in try services.offline.statistics()
        where snapshot.view(id: id) == nil && !snapshot.isDropped(id) {
            problems.add("history has \(figures.rows) rows of view \(id), which no project defines")
        }
        var done: UInt64 = 0
        for project in snapshot.projects.values.sorted(by: { $0.name < $1.name }) {
            for record in try services.offline.imports(project: project.name)
            where snapshot.view(id: record.descriptor.view) == nil
                && !snapshot.isDropped(record.descriptor.view)
            {
                problems.add("import \(record.id) is of a view that no project defines")
            }
            for record in try services.registry.trainingSets(project: project.name) {
                if record.logEntry > last {
                    problems.add(
                        "training set \(record.id) was made at log entry \(record.logEntry), and the "
                            + "log ends at \(last)"
                    )
                }
                do throws(AlulaError) {
                    _ = try services.plans.plan(record.service, in: project, of: snapshot)
                } catch {
                    // What was dropped was said to whoever dropped it.
                    if error.code != .failedPrecondition {
                        problems.add("training set \(record.id): \(error.message)")
                    }
                }
                done += 1
                progress.send(WireVerifyProgress("registry", done: done, total: 0))
            }
        }
        return done
    }
}

/// The first hundred, and how many there are.
private struct Problems {
    private(set) var first: [String] = []
    private(set) var count: UInt64 = 0

    mutating func add(_ problem: String) { add([problem], of: 1) }

    mutating func add(_ some: [String], of count: UInt64) {
        self.count += count
        first += some.prefix(100 - first.count)
    }
}

extension WireVerifyProgress {
    fileprivate init(_ part: String, done: UInt64, total: UInt64) {
        self.init()
        self.part = part
        self.done = done
        self.total = total
    }
}
