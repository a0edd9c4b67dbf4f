package import Artifacts
import Codec
package import Domain
package import Offline

/// Makes training sets, and makes them again.
///
/// The answer has all columns of the spine in their order, then the features of the plan, with one
/// row for each row of the spine, in its order. Calls block; nothing is locked while `emit` waits.
package struct TrainingSets: Sendable {
    private let offline: OfflineStore
    private let artifacts: ArtifactStore

    package init(offline: OfflineStore, artifacts: ArtifactStore) {
        self.offline = offline
        self.artifacts = artifacts
    }

    /// Takes the spine batch by batch until it answers nil, keeps it as an artifact, joins it, and
    /// emits the answer in batches that fit a frame.
    ///
    /// The first batch is emitted when all is joined.
    package func make(
        _ request: TrainingRequest,
        spine: () throws -> RecordBatch?,
        emit: (RecordBatch) throws -> Void,
        isCancelled: () -> Bool
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
        var reader = SpineReader(layout)
        let spineDigest = TableDigest(request.spineSchema)
        let file = try SpineFileWriter(try artifacts.writer(), schema: request.spineSchema)
        while let batch = try spine() {
            try checkCancelled(isCancelled)
            guard batch.schema == request.spineSchema else {
                throw AlulaError.invalid("a batch of the spine does not have the columns announced")
            }
            spineDigest.add(batch.columns, rows: batch.rowCount)
            for page in try reader.append(batch) { try file.append(page) }
        }
        if let page = reader.finish() { try file.append(page) }
        let joined = try join(
            reader,
            plan: request.plan,
            scope: JoinScope(through: request.through, asKnown: request.asKnown),
            keepUnknown: request.keepUnknown,
            isCancelled: isCancelled
        )
        let kept = try file.finish(rows: reader.rowCount)
        let schema = layout.answerSchema
        let digest = try emitAnswer(
            reader.pages,
            schema: schema,
            joined: joined,
            emit: emit,
            isCancelled: isCancelled
        )
        return TrainingSetRecord(
            id: request.id,
            project: request.project,
            service: request.plan.service,
            logEntry: request.through,
            digest: digest,
            spineDigest: spineDigest.finish(),
            spineArtifact: kept,
            rows: UInt64(reader.rowCount),
            schema: schema,
            eventTimeColumn: request.eventTimeColumn,
            label: request.label,
            made: request.made,
            asKnown: request.asKnown,
            keepUnknown: request.keepUnknown,
            reports: joined.map(\.report),
            featureColumns: request.plan.schema.fields.map(\.name),
            spineName: request.spineName,
            actor: request.actor
        )
    }

    /// Makes a recorded set again from the spine that was kept, and answers the digest of what it
    /// emitted: the recorded one, unless history was deleted or damaged.
    package func remake(
        _ record: TrainingSetRecord,
        plan: FeaturePlan,
        emit: (RecordBatch) throws -> Void,
        isCancelled: () -> Bool
    ) throws -> ContentDigest {
        var reader: SpineReader?
        try SpineFileReader.read(record.spineArtifact, in: artifacts) { batch in
            try checkCancelled(isCancelled)
            if reader == nil {
                let layout = try SpineLayout(
                    batch.schema,
                    plan: plan,
                    eventTime: record.eventTimeColumn,
                    label: record.label
                )
                reader = SpineReader(layout)
            }
            _ = try reader?.append(batch)
        }
        guard var reader else {
            throw AlulaError.corrupt("the spine of \(record.id) has no columns")
        }
        _ = reader.finish()
        let joined = try join(
            reader,
            plan: plan,
            scope: JoinScope(through: record.logEntry, asKnown: record.asKnown),
            keepUnknown: record.keepUnknown,
            isCancelled: isCancelled
        )
        return try emitAnswer(
            reader.pages,
            schema: record.schema,
            joined: joined,
            emit: emit,
            isCancelled: isCancelled
        )
    }

    private func join(
        _ reader: SpineReader,
        plan: FeaturePlan,
        scope: JoinScope,
        keepUnknown: Bool,
        isCancelled: () -> Bool
    ) throws -> [JoinedRows] {
        var sorted: [[ColumnName]: SortedSpine] = [:]
        var joined: [JoinedRows] = []
        for part in plan.views {
            let names = part.keyColumns.map(\.name)
            let spine = try sorted[names] ?? reader.sorted(by: part.keyColumns)
            sorted[names] = spine
            joined.append(
                try offline.join(spine, with: part, scope: scope, isCancelled: isCancelled)
            )
        }
        let unknown = joined.map(\.report).filter { $0.unknown > 0 }
        if scope.asKnown, !keepUnknown, !unknown.isEmpty {
            throw AlulaError.refused(
                "as known: rows were imported without a created time, so when is unknown",
                help:
                    "import them with a created time, or keep them: unknown=\"keep\"",
                details: unknown.map { "\($0.label): \($0.unknown) of \($0.matched) values" }
            )
        }
        return joined
    }

    private func emitAnswer(
        _ spine: SpinePages,
        schema: Schema,
        joined: [JoinedRows],
        emit: (RecordBatch) throws -> Void,
        isCancelled: () -> Bool
    ) throws -> ContentDigest {
        let digest = TableDigest(schema)
        var pace = GatherPace(schema.fields.map(\.type))
        var start = 0
        while start < spine.rowCount {
            let range = start..<min(start + pace.rows, spine.rowCount)
            let columns: [Column]
            do {
                columns = try spine.columns(range) + features(joined, rows: range, isCancelled)
            } catch let error as AlulaError where error.code == .resourceExhausted && pace.shrink()
            {
                continue
            }
            pace.note(columns, rows: range.count)
            digest.add(columns, rows: range.count)
            let piece = RecordBatch(schema: schema, columns: columns, rowCount: range.count)
            try BatchCutter.cut(piece, firstRow: range.lowerBound) { batch in
                try checkCancelled(isCancelled)
                try emit(batch)
            }
            start = range.upperBound
        }
        return digest.finish()
    }
}

extension TrainingSets {
    private func features(
        _ joined: [JoinedRows],
        rows: Range<Int>,
        _ isCancelled: () -> Bool
    ) throws -> [Column] {
        var columns: [Column] = []
        for view in joined {
            columns += try offline.features(of: view, rows: rows, isCancelled: isCancelled)
        }
        return columns
    }
}

private func checkCancelled(_ isCancelled: () -> Bool) throws(AlulaError) {
    guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
}
