import Catalog
import Domain
import Ingest
import Offline
import Registry
import SwiftProtobuf
import Wire

extension Dispatcher {
    func retract(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireRetractRequest.self, from: call.control)
        let head = try CallHead(request.head)
        try waitUntilApplied(services.ingestor.lastEntry, call)
        let scope = try scope(of: request, head)
        let views = scope.views.map(\.view)
        let restoredBefore = services.ingestor.restoredRows(of: views)
        if let first = try services.registry.storedAnswer(head.requestID, act: "retract") {
            var answer = try WireRetractResponse(serializedBytes: first)
            try restore(views, after: answer.logEntry, call)
            answer.rowsRestored = services.ingestor.restoredRows(of: views) - restoredBefore
            return try Answer(answer)
        }
        var answer = WireRetractResponse()
        answer.rows = scope.rows
        answer.trainingSets = try setsSeeing(scope)
        if !request.dryRun, answer.rows > 0 {
            answer.logEntry = try append(scope, head)
            _ = try services.registry.record(
                .retract(
                    scope.hit.count == 1 ? scope.hit[0].name : nil,
                    entries: scope.entries,
                    importID: request.importID.isEmpty ? nil : request.importID,
                    rows: answer.rows,
                    logEntry: answer.logEntry
                ),
                call: try writeCall(call, head),
                answer: try answer.serializedBytes()
            )
        }
        if !request.dryRun {
            // Also where nothing is left to hide: what an interrupted call began is ended.
            try restore(views, after: answer.logEntry, call)
            answer.rowsRestored = services.ingestor.restoredRows(of: views) - restoredBefore
        }
        return try Answer(answer)
    }

    /// What is to be hidden: entries, and of each view how many rows of them are seen.
    private struct RetractScope {
        var entries: ClosedRange<UInt64>
        var views: [(view: FeatureView, rows: UInt64)]
        /// One entry of the log for all views, else one for each.
        var isWhole: Bool

        var rows: UInt64 { views.reduce(0) { $0 + $1.rows } }
        var hit: [FeatureView] { views.filter { $0.rows > 0 }.map(\.view) }
    }

    private func scope(of request: WireRetractRequest, _ head: CallHead) throws -> RetractScope {
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(head.project)
        let entries: ClosedRange<UInt64>
        let views: [FeatureView]
        if request.importID.isEmpty {
            let last = services.ingestor.lastEntry
            guard request.firstEntry >= 1, request.firstEntry <= request.lastEntry,
                request.lastEntry <= last
            else {
                throw AlulaError.invalid(
                    "log entries \(request.firstEntry) to \(request.lastEntry): expected the first not "
                        + "behind the last, and both within 1 to \(last)"
                )
            }
            entries = request.firstEntry...request.lastEntry
            views = try self.views(request.view.isEmpty ? [] : [request.view], of: project)
        } else {
            let record = try importRecord(request.importID, head)
            guard let entry = record.logEntry else {
                throw AlulaError.refused(
                    "import \(record.id) is not published: no answer holds its rows",
                    help: "give it up with: alula imports --abandon \(record.id)"
                )
            }
            entries = entry...entry
            views = try [view(of: record)]
        }
        return RetractScope(
            entries: entries,
            views: try views.map { ($0, try services.offline.countRows(of: entries, view: $0)) },
            isWhole: request.importID.isEmpty && request.view.isEmpty
                && snapshot.projects.count == 1
        )
    }

    /// Appends the retraction; gives its last log entry.
    private func append(_ scope: RetractScope, _ head: CallHead) throws -> UInt64 {
        guard !scope.isWhole else {
            return try services.ingestor.retract(
                scope.entries,
                view: nil,
                requestID: head.requestID
            )
        }
        var last: UInt64 = 0
        for view in scope.hit {
            last = try services.ingestor.retract(
                scope.entries,
                view: view,
                requestID: head.requestID(for: view.id)
            )
        }
        return last
    }

    private func restore(
        _ views: [FeatureView],
        after entry: UInt64,
        _ call: Call
    ) throws {
        try waitUntilApplied(entry, call)
        let progress = ProgressItems(call)
        _ = try services.ingestor.restoreOnline(
            views: views,
            cancelled: { call.isEnded }
        ) { view, keysDone, rowsRestored in
            var item = WireRetractProgress()
            item.view = view.text
            item.keysDone = keysDone
            item.rowsRestored = rowsRestored
            progress.send(item)
        }
    }

    private func setsSeeing(_ scope: RetractScope) throws -> [String] {
        try services.plannedSets.reading(Set(scope.hit.map(\.id))).map(\.record)
            .filter { $0.logEntry >= scope.entries.lowerBound }.map(\.id.text)
    }
}

extension CallHead {
    /// The request id of one of several writes of the call, the same when the call is repeated.
    fileprivate func requestID(for view: FeatureViewID) -> [UInt8] {
        var id = requestID
        for byte in 0..<4 {
            id[id.count - 1 - byte] ^= UInt8(truncatingIfNeeded: view.number >> UInt32(8 * byte))
        }
        return id
    }
}
