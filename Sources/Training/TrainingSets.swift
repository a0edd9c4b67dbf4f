package import Artifacts
package import Codec
package import Domain
package import Offline
package import Statistics

/// Makes training sets, and makes them again.
///
/// The answer has all columns of the spine in their order, then the features of the plan, with one
/// row for each row of the spine, in its order. A spine that is too large to be held with its
/// answer is joined in chunks, each of which reads history anew. Calls block; nothing is locked
/// while `emit` waits.
package struct TrainingSets: Sendable {
    let offline: OfflineStore
    let artifacts: ArtifactStore
    private let memory: TrainingMemory

    package init(
        offline: OfflineStore,
        artifacts: ArtifactStore,
        working: WorkingBytes = WorkingBytes(limit: .max)
    ) {
        var memory = TrainingMemory()
        // So that two of the largest stand beside each other.
        memory.chunkBytes = min(memory.chunkBytes, working.limit / 2)
        memory.working = working
        self.init(offline: offline, artifacts: artifacts, memory: memory)
    }

    init(offline: OfflineStore, artifacts: ArtifactStore, memory: TrainingMemory) {
        self.offline = offline
        self.artifacts = artifacts
        self.memory = memory
    }

    /// A set that was made again.
    package struct Remade: Sendable {
        package var digest: ContentDigest
        package var reports: [ViewReport]
    }

    /// Takes the spine batch by batch until it answers nil, keeps it as an artifact, joins it, and
    /// emits the answer in batches that fit a frame.
    ///
    /// The first batch is emitted when the spine is read and its first chunk is joined. `onProfile`
    /// takes the profile of all columns but keys and event time; without it none is made.
    package func make(
        _ request: TrainingRequest,
        spine: () throws -> RecordBatch?,
        emit: @escaping (Schema, BatchAssembler) throws -> Void,
        isCancelled: @escaping @Sendable () -> Bool,
        onProfile: ((TableProfile) -> Void)? = nil
    ) throws -> TrainingSetRecord {
        let layout = try SpineLayout(
            request.spineSchema,
            plan: request.plan,
            eventTime: request.eventTimeColumn,
            label: request.label
        )
        guard offline.appliedThrough >= request.through else {
            throw AlulaError(
                .unavailable,
                "history has not come to log entry \(request.through) yet"
            )
        }
        let profiler = onProfile.map { _ in TableProfiler(layout) }
        var answer = Answer(
            layout,
            scope: JoinScope(through: request.through, asKnown: request.asKnown),
            keepUnknown: request.keepUnknown,
            profiler: profiler,
            textBytes: memory.textBytes,
            emit: emit,
            isCancelled: isCancelled
        )
        let share = WorkingBytes.Share(of: memory.working)
        defer { withExtendedLifetime(share) {} }
        let taken = try keep(layout, spine: spine, share, isCancelled: isCancelled)
        if let chunk = taken.chunk {
            try answer.add(chunk, offline)
        } else {
            try addAll(
                of: try taken.kept.value().artifact,
                to: &answer,
                share,
                isCancelled: isCancelled
            )
        }
        // The disk is waited for last.
        if let profiler { onProfile?(profiler.finish(answer.reports)) }
        let digest = answer.finish()
        let kept = try taken.kept.value()
        return TrainingSetRecord(
            id: request.id,
            project: request.project,
            service: request.plan.service,
            logEntry: request.through,
            digest: digest,
            spineDigest: kept.digest,
            spineArtifact: kept.artifact,
            rows: UInt64(taken.rows),
            schema: layout.answerSchema,
            eventTimeColumn: request.eventTimeColumn,
            label: request.label,
            made: request.made,
            asKnown: request.asKnown,
            keepUnknown: request.keepUnknown,
            reports: answer.reports,
            featureColumns: request.plan.schema.fields.map(\.name),
            spineName: request.spineName,
            actor: request.actor
        )
    }

    /// Makes a recorded set again from the spine that was kept; its digest is the recorded one,
    /// unless history was deleted or damaged.
    package func remake(
        _ record: TrainingSetRecord,
        plan: FeaturePlan,
        emit: @escaping (Schema, BatchAssembler) throws -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws -> Remade {
        let layout = try SpineLayout(
            Schema(fields: Array(record.schema.fields.dropLast(plan.featureCount))),
            plan: plan,
            eventTime: record.eventTimeColumn,
            label: record.label
        )
        var answer = Answer(
            layout,
            scope: JoinScope(through: record.logEntry, asKnown: record.asKnown),
            keepUnknown: record.keepUnknown,
            profiler: nil,
            textBytes: memory.textBytes,
            emit: emit,
            isCancelled: isCancelled
        )
        let share = WorkingBytes.Share(of: memory.working)
        defer { withExtendedLifetime(share) {} }
        try addAll(of: record.spineArtifact, to: &answer, share, isCancelled: isCancelled)
        return Remade(digest: answer.finish(), reports: answer.reports)
    }

    private struct KeptSpine: Sendable {
        var artifact: ContentDigest
        var digest: ContentDigest
    }

    private struct TakenSpine {
        /// Its file, which is made durable meanwhile.
        var kept: Beside<KeptSpine>
        var rows: Int
        /// All of it, where it is small enough.
        var chunk: SpineChunk?
    }

    private func keep(
        _ layout: SpineLayout,
        spine: () throws -> RecordBatch?,
        _ share: WorkingBytes.Share,
        isCancelled: () -> Bool
    ) throws -> TakenSpine {
        let digest = TableDigest(layout.schema)
        let file = try SpineFileWriter(try artifacts.writer(), schema: layout.schema)
        let (most, rowBytes) = (memory.chunkRows(layout), memory.bytesOfRow(layout))
        var pages = SpinePages(layout.schema)
        var chunk: SpineChunk? = SpineChunk(layout, firstRow: 0)
        while let batch = try spine() {
            try checkCancelled(isCancelled)
            guard batch.schema == layout.schema else {
                throw AlulaError.invalid("a batch of the spine does not have the columns announced")
            }
            try share.hold(min(pages.rowCount + batch.rowCount, most) * rowBytes)
            digest.add(batch.columns, rows: batch.rowCount)
            for page in pages.append(batch) { try file.append(page) }
            chunk?.append(batch)
            if pages.rowCount > most { chunk = nil }
        }
        if let page = pages.finish() { try file.append(page) }
        let rows = pages.rowCount
        // The file is that thread's from now on.
        nonisolated(unsafe) let handed = file
        let kept = Beside {
            KeptSpine(artifact: try unsafe handed.finish(rows: rows), digest: digest.finish())
        }
        return TakenSpine(kept: kept, rows: rows, chunk: chunk)
    }

    private func addAll(
        of spine: ContentDigest,
        to answer: inout Answer,
        _ share: WorkingBytes.Share,
        isCancelled: () -> Bool
    ) throws {
        let most = memory.chunkRows(answer.layout)
        let rowBytes = memory.bytesOfRow(answer.layout)
        var chunk = SpineChunk(answer.layout, firstRow: 0)
        try SpineFileReader.read(spine, in: artifacts) { page in
            try checkCancelled(isCancelled)
            guard page.schema == answer.layout.schema else {
                throw AlulaError.corrupt("a kept spine does not have the columns recorded")
            }
            if chunk.rowCount > 0, chunk.rowCount + page.rowCount > most {
                try answer.add(chunk, offline)
                chunk = SpineChunk(answer.layout, firstRow: chunk.firstRow + chunk.rowCount)
            }
            try share.hold((chunk.rowCount + page.rowCount) * rowBytes)
            chunk.append(page)
        }
        try answer.add(chunk, offline)
    }
}

/// The answer to a spine that comes in chunks.
private struct Answer {
    let layout: SpineLayout
    private(set) var reports: [ViewReport] = []
    private let scope: JoinScope
    private let keepUnknown: Bool
    private let textBytes: Int
    private let isCancelled: @Sendable () -> Bool
    private let writer: AnswerWriter

    init(
        _ layout: SpineLayout,
        scope: JoinScope,
        keepUnknown: Bool,
        profiler: TableProfiler?,
        textBytes: Int,
        emit: @escaping (Schema, BatchAssembler) throws -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.layout = layout
        self.scope = scope
        self.keepUnknown = keepUnknown
        self.textBytes = textBytes
        self.isCancelled = isCancelled
        writer = AnswerWriter(layout.answerSchema, profiler: profiler, emit: emit)
    }

    /// Joins the rows of the chunk and sends them.
    mutating func add(_ chunk: SpineChunk, _ offline: OfflineStore) throws {
        var parts: [(spine: SortedSpine, part: FeaturePlan.ViewPart)] = []
        var sorted: [[ColumnName]: SortedSpine] = [:]
        for part in layout.plan.views {
            let names = part.keyColumns.map(\.name)
            let spine = try sorted[names] ?? chunk.sorted(by: part.keyColumns)
            sorted[names] = spine
            parts.append((spine, part))
        }
        let joined = try offline.join(parts, scope: scope, isCancelled: isCancelled)
        let features = joined.map { $0.columns() }
        let gathered = Result { () throws(AlulaError) in
            try offline.gather(
                joined,
                into: features,
                mostTextBytes: textBytes,
                isCancelled: isCancelled
            )
        }
        if case .failure(let error) = gathered, error.code == .resourceExhausted,
            let halves = chunk.halves()
        {
            for half in halves { try add(half, offline) }
            return
        }
        let found = try gathered.get()
        reports = reports.isEmpty ? found : zip(reports, found).map { $0.adding($1) }
        try checkUnknown()
        try writer.write(
            chunk.columns() + features.flatMap { $0 },
            rows: chunk.rowCount,
            isCancelled: isCancelled
        )
    }

    func finish() -> ContentDigest { writer.finish() }

    private func checkUnknown() throws(AlulaError) {
        let unknown = reports.filter { $0.unknown > 0 }
        guard scope.asKnown, !keepUnknown, !unknown.isEmpty else { return }
        throw AlulaError.refused(
            "as known: rows were imported without a created time, so when is unknown",
            help: "import them with a created time, or keep them: unknown=\"keep\"",
            details: unknown.map { "\($0.label): \($0.unknown) of \($0.matched) values" }
        )
    }
}

extension FeaturePlan {
    /// Columns that it adds to a spine.
    fileprivate var featureCount: Int { views.reduce(0) { $0 + $1.features.count } }
}

extension ViewReport {
    /// This and the report of further rows of the spine.
    func adding(_ other: ViewReport) -> ViewReport {
        var sum = self
        sum.matched += other.matched
        sum.expired += other.expired
        sum.notFound += other.notFound
        sum.nullKeys += other.nullKeys
        sum.late += other.late
        sum.unknown += other.unknown
        sum.oldestEvent = [oldestEvent, other.oldestEvent].compactMap { $0 }.min()
        sum.newestEvent = [newestEvent, other.newestEvent].compactMap { $0 }.max()
        return sum
    }
}
