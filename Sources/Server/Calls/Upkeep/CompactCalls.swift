import Catalog
import Domain
import Ingest
import Offline
import Registry
import Served
import SwiftProtobuf
import Wire

extension Dispatcher {
    func compact(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireCompactRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let project = try services.catalog.snapshot.project(head.project)
        let views = try self.views(request.views, of: project)
        try waitUntilApplied(services.ingestor.lastEntry, call)
        let progress = ProgressItems(call)
        var answer = WireCompactResponse()
        for view in views {
            answer.views.append(try compact(view, dryRun: request.dryRun, progress, call, head))
        }
        if !request.dryRun { try services.served.retire() }
        FreedMemory.giveBack(after: answer.views.reduce(0) { $0 + Int($1.rows) })
        return try Answer(answer)
    }

    private func compact(
        _ view: FeatureView,
        dryRun: Bool,
        _ progress: ProgressItems,
        _ call: Call,
        _ head: CallHead
    ) throws -> WireCompactedView {
        let before = try services.offline.statistics()[view.id]
        let now = services.now()
        let report = { (done: UInt64, total: UInt64) in
            progress.send(WireCompactProgress(view, done: done, total: total))
        }
        var wire = WireCompactedView()
        wire.view = view.name.text
        wire.segmentsBefore = before?.segments ?? 0
        wire.rowsRetired = try services.ingestor.retire(
            view,
            dryRun: dryRun,
            cancelled: { progress.isCancelled },
            progress: report
        )
        if wire.rowsRetired > 0 {
            let sets = try setsLosing(view, now: now)
            wire.trainingSets = sets
            if !dryRun { try audit(view, rows: wire.rowsRetired, call, head) }
        }
        if !dryRun {
            try waitUntilApplied(services.ingestor.lastEntry, call)
            _ = try services.offline.compact(
                view,
                isCancelled: { progress.isCancelled },
                progress: report
            )
        }
        try call.checkEnded()
        let after = try services.offline.statistics()[view.id]
        wire.segmentsAfter = after?.segments ?? 0
        wire.rows = after?.rows ?? 0
        var last = WireCompactProgress(view, done: wire.rows, total: wire.rows)
        last.viewDone = true
        progress.send(last, always: true)
        return wire
    }

    /// The sets that used, or may have used, rows that the view's rule takes now.
    ///
    /// A set tells the oldest event of the rows it used, so that by age alone this is exact.
    private func setsLosing(_ view: FeatureView, now: Timestamp) throws -> [String] {
        let rule = view.retention
        let cutoff = rule?.rowsPerKey == nil ? rule?.age.map { now - $0 } : nil
        return try services.plannedSets.reading([view.id]).filter { set in
            set.plan.views.contains { part in
                guard part.view.id == view.id,
                    let report = set.record.reports.first(where: { $0.label == part.label }),
                    let oldest = report.oldestEvent
                else { return false }
                return cutoff.map { oldest < $0 } ?? true
            }
        }.map(\.record.id.text)
    }

    private func audit(
        _ view: FeatureView,
        rows: UInt64,
        _ call: Call,
        _ head: CallHead
    ) throws {
        guard let rule = view.retention else { return }
        try services.registry.record(
            .retention(view.name, rule, rows: rows),
            call: try writeCall(call, head)
        )
    }
}

extension WireCompactProgress {
    fileprivate init(_ view: FeatureView, done: UInt64, total: UInt64) {
        self.init()
        self.view = view.name.text
        rowsDone = done
        rowsTotal = total
    }
}
