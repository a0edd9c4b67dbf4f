package import Domain
import NIOCore
import Wire

/// What one version of a model answered, of a read whose rows may meet several.
package struct VersionVectors: Sendable {
    package var version: UInt32
    /// For each vector, which row of the request it is of.
    package var rows: [Int]
    package var vectors: FeatureVectors

    package init(version: UInt32, rows: [Int], vectors: FeatureVectors) {
        self.version = version
        self.rows = rows
        self.vectors = vectors
    }
}

/// The answer to a read of a model as it arrives, version by version.
struct VersionAnswers {
    private var plans: [UInt64: CachedPlan] = [:]
    private var pieces: [(version: UInt32, rows: [Int], vectors: FeatureVectors)] = []
    private var next = 0

    mutating func take(_ answer: WireReadResponse, _ data: ByteBuffer) throws(AlulaError) {
        if answer.hasSchema { plans[answer.plan] = try CachedPlan(answer) }
        guard let plan = plans[answer.plan] else {
            throw AlulaError(.internal, "the server's answer leaves out a plan that was not known")
        }
        let vectors = try FeatureVectors(answer, data, plan: plan)
        let count = vectors.batch.rowCount
        let rows =
            answer.rowNumbers.isEmpty
            ? Array(next..<next + count) : answer.rowNumbers.map { Int($0) }
        guard rows.count == count else {
            throw AlulaError(
                .internal,
                "the server's answer numbers \(rows.count) of \(count) rows"
            )
        }
        next += count
        pieces.append((answer.modelVersion, rows, vectors))
    }

    /// Those with the first rows first; throws where a row has no answer or two.
    mutating func finish(
        _ answer: WireReadResponse,
        _ data: ByteBuffer,
        rows: Int
    ) throws(AlulaError) -> [VersionVectors] {
        if data.readableBytes > 0 { try take(answer, data) }
        var found: [VersionVectors] = []
        for (version, group) in Dictionary(grouping: pieces, by: \.version) {
            found.append(
                VersionVectors(
                    version: version,
                    rows: group.flatMap(\.rows),
                    vectors: FeatureVectors(joining: group.map(\.vectors))
                )
            )
        }
        guard found.flatMap(\.rows).sorted() == Array(0..<rows) else {
            throw AlulaError(.internal, "the server's answer is not one for each of \(rows) rows")
        }
        return found.sorted { ($0.rows.first ?? 0) < ($1.rows.first ?? 0) }
    }
}

extension AlulaClient {
    /// Reads as the versions that hold a stage were trained, each row as the one that its keys meet; a
    /// `version` reads all of them as that one.
    package func read(
        model: RegisteredModelName,
        stage: String = "",
        version: UInt32 = 0,
        _ keys: RecordBatch
    ) async throws -> [VersionVectors] {
        var request = WireReadRequest()
        request.model = model.text
        request.stage = stage
        request.version = version
        request.schema = WireSchema(keys.schema)
        var pieces = VersionAnswers()
        let (answer, data) = try await stream(
            .read,
            request,
            data: Batches.encode(keys),
            timeout: timeoutMilliseconds,
            answer: WireReadResponse.self
        ) { (item: WireReadResponse, data) in try pieces.take(item, data) }
        return try pieces.finish(answer, data, rows: keys.rowCount)
    }
}
