import Catalog
import Domain
import Ingest
import Log
import NIOCore
import Offline
import Registry
import SwiftProtobuf
import Wire

/// Push, import and materialise.
extension Dispatcher {
    func push(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePushRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let view = try writableView(request.view, head)
        let batch = try Schema(wire: request.schema).batch(from: call.data)
        let stored = try services.ingestor.push(
            batch: batch,
            to: view,
            requestID: head.requestID,
            isCancelled: { call.isEnded }
        ) { result in
            var answer = WirePushResponse()
            answer.logEntry = result.logEntry
            answer.statuses.append(contentsOf: result.statuses.map(\.rawValue))
            answer.problems = result.problems.prefix(100).map(WireRowProblem.init)
            return (try? answer.serializedBytes()) ?? []  // nothing in it can fail to encode
        }
        return Answer(stored: stored)
    }

    func beginImport(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireBeginImportRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let project = try services.catalog.snapshot.project(head.project)
        let view = try writableView(request.view, head)
        guard let digest = ContentDigest(bytes: Array(request.sourceDigest)) else {
            throw AlulaError.invalid("source_digest: 32 bytes of SHA-256 are expected")
        }
        guard request.sourceName.utf8.count <= Limits.textBytes else {
            throw AlulaError.invalid(
                "the name of a source has at most \(Limits.textBytes) bytes, not "
                    + "\(request.sourceName.utf8.count)"
            )
        }
        let record = try services.offline.beginImport(
            .init(
                view: view.id,
                project: project.name,
                sourceName: request.sourceName,
                sourceDigest: digest,
                options: request.options + (request.allowFuture ? ";allow_future" : ""),
                begun: services.now()
            ),
            again: request.again
        )
        var answer = WireBeginImportResponse()
        answer.begunUs = record.descriptor.begun.microseconds
        answer.importID = record.id
        answer.state = record.state.rawValue
        answer.nextChunk = record.nextChunk
        answer.stagedRows = record.rows
        return try Answer(answer)
    }

    func stageRows(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireStageRowsRequest.self, from: call.control)
        let record = try importRecord(request.importID)
        let view = try view(of: record)
        guard let layout = view.layout(view.schemaVersion) else {
            throw AlulaError(.internal, "view \(view.name) has no layout")
        }
        services.stagingTurns.begin(record.id) { call.isEnded }
        defer { services.stagingTurns.end(record.id) }
        let stager = try services.offline.stager(importID: record.id, layout: layout)
        let taken = Result {
            try stageUploads(
                of: call,
                schema: try Schema(wire: request.schema),
                into: stager,
                view: view,
                futureRows: record.descriptor.options.hasSuffix(";allow_future") ? .kept : .refused
            )
        }
        // What came before a lost connection or a bad row is kept, to be gone on with.
        let kept = Result { () throws(AlulaError) in try stager.flush() }
        FreedMemory.giveBack(after: Int(stager.record.rows - record.rows))
        try taken.get()
        try kept.get()
        return try Answer(WireStageProgress(stager.record))
    }

    private func stageUploads(
        of call: Call,
        schema: Schema,
        into stager: ImportStager,
        view: FeatureView,
        futureRows: FeatureRowsChecker.FutureRows
    ) throws {
        var told = stager.record.nextChunk
        while let upload = try call.nextUpload() {
            try services.room.require(for: "the import")
            let chunk = try Messages.decode(WireStageChunk.self, from: upload.control)
            let checked = try FeatureRowsChecker.check(
                try schema.batch(from: upload.data),
                view: view,
                now: services.now(),
                futureRows: futureRows
            )
            if let problem = checked.problems.first {
                throw AlulaError.invalid(
                    "row \(chunk.firstRow + UInt64(problem.row)): \(problem.reason)",
                    help: "mend the source, or import it with --on-error skip",
                    details: checked.problems.prefix(100).map {
                        "row \(chunk.firstRow + UInt64($0.row)): \($0.reason)"
                    }
                )
            }
            try stager.add(chunk: chunk.chunk, rows: checked.rows)
            guard stager.record.nextChunk > told else { continue }
            told = stager.record.nextChunk
            try call.send(
                control: Messages.encode(WireStageProgress(stager.record)),
                data: .init()
            )
        }
    }

    func publishImport(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePublishImportRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let record = try importRecord(request.importID)
        let told = { (answer: Answer) throws(AlulaError) -> Answer in
            self.services.importNews.tell(record, try self.writeCall(call, head))
            return answer
        }
        if record.state == .published, let entry = record.logEntry {
            return try told(Answer(WirePublishImportResponse(entry: entry, rows: record.rows)))
        }
        let stored = try services.ingestor.publishImport(
            id: record.id,
            view: try view(of: record),
            rows: record.rows,
            requestID: head.requestID
        ) { entry in
            let answer = WirePublishImportResponse(entry: entry, rows: record.rows)
            return (try? answer.serializedBytes()) ?? []  // two numbers always encode
        }
        return try told(Answer(stored: stored))
    }

    func listImports(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListImportsRequest.self, from: call.control)
        let asked = try PageRequest(token: request.pageToken, limit: request.limit)
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(try CallHead.peek(call.control).project)
        var answer = WireImportsResponse()
        let scope = call.identity.scope
        let records = try services.offline.imports(project: project.name).filter { record in
            record.number > asked.after ?? 0
                && (scope.views == nil
                    || snapshot.view(id: record.descriptor.view).map { scope.covers($0.name) }
                        ?? false)
        }
        let page = Page(records.prefix(asked.limit + 1).map { ($0.number, $0) }, asked)
        (answer.imports, answer.nextPageToken) = try page.fitted { record in
            var wire = WireImportRecord()
            wire.importID = record.id
            wire.view = snapshot.view(id: record.descriptor.view)?.name.text ?? ""
            wire.sourceName = record.descriptor.sourceName
            wire.state = record.state.rawValue
            wire.rows = record.rows
            wire.logEntry = record.logEntry ?? 0
            wire.begunUs = record.descriptor.begun.microseconds
            wire.sourceDigest = record.descriptor.sourceDigest.description
            return wire
        }
        return try Answer(answer)
    }

    func abandonImport(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireAbandonImportRequest.self, from: call.control)
        let head = try CallHead(request.head)
        if let first = try services.registry.storedAnswer(
            head.requestID,
            act: "abandon import"
        ) {
            return Answer(stored: first)
        }
        // Whether it is published is known when history has come to the last entry.
        try waitUntilApplied(services.ingestor.lastEntry, call)
        let record = try importRecord(request.importID, head)
        var answer = WireAbandonImportResponse()
        answer.rows = try services.offline.abandonImport(id: record.id)
        return Answer(
            stored: try services.registry.record(
                .abandonImport(
                    record.id,
                    of: try view(of: record).name,
                    rows: answer.rows
                ),
                call: try writeCall(call, head),
                answer: try answer.serializedBytes()
            )
        )
    }

    func materialize(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireMaterializeRequest.self, from: call.control)
        let project = try services.catalog.snapshot.project(try CallHead(request.head).project)
        let views = try self.views(request.views, of: project)
        try waitUntilApplied(services.ingestor.lastEntry, call)
        var last = WireMaterializeProgress()
        var isUnheard = false
        last.rowsWritten = try services.ingestor.materialize(
            views: views,
            cancelled: { call.isEnded || isUnheard }
        ) { progress in
            var message = WireMaterializeProgress()
            message.view = progress.view.text
            message.keysDone = progress.keysDone
            message.rowsWritten = progress.rowsWritten
            message.viewDone = progress.viewIsDone
            do {
                try call.send(control: Messages.encode(message), data: .init())
            } catch {
                isUnheard = true
            }
        }
        try call.checkEnded()
        last.viewDone = true
        return try Answer(last)
    }

    /// All views of the project, or the named ones; in the order of their names.
    func views(
        _ names: [String],
        of project: CatalogSnapshot.Project
    ) throws(AlulaError) -> [FeatureView] {
        var views: [FeatureView] = []
        for name in Set(names) { views.append(try project.view(name)) }
        return (names.isEmpty ? Array(project.views.values) : views).sorted { $0.name < $1.name }
    }

    /// An import of the caller's project.
    func importRecord(_ id: String, _ head: CallHead) throws -> OfflineStore.ImportRecord {
        let project = try services.catalog.snapshot.project(head.project)
        let record = try services.offline.importRecord(id: id)
        guard record.descriptor.project == project.name else {
            throw AlulaError.notFound(
                "there is no import \"\(id.prefix(64))\" in project \(project.name)",
                help: "alula imports lists them"
            )
        }
        return record
    }

    private func importRecord(_ id: String) throws -> OfflineStore.ImportRecord {
        try services.offline.importRecord(id: id)
    }

    func view(of record: OfflineStore.ImportRecord) throws(AlulaError) -> FeatureView {
        guard let view = services.catalog.snapshot.view(id: record.descriptor.view) else {
            throw .refused("the view of import \(record.id) is gone")
        }
        return view
    }

    private func writableView(_ name: String, _ head: CallHead) throws(AlulaError) -> FeatureView {
        let view = try services.catalog.snapshot.project(head.project).view(name)
        guard !view.isRetired else {
            throw .refused("view \(view.name) is retired: it takes no more rows")
        }
        return view
    }
}

extension WireRowProblem {
    fileprivate init(_ problem: RowProblem) {
        self.init()
        row = UInt32(problem.row)
        reason = problem.reason
    }
}

extension WireStageProgress {
    fileprivate init(_ record: OfflineStore.ImportRecord) {
        self.init()
        nextChunk = record.nextChunk
        stagedRows = record.rows
    }
}

extension WirePublishImportResponse {
    fileprivate init(entry: UInt64, rows: UInt64) {
        self.init()
        logEntry = entry
        self.rows = rows
    }
}
