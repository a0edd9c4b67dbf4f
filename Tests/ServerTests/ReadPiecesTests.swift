import Codec
import Domain
import NIOCore
import Testing
import Wire

@testable import Server

/// A large answer in pieces: every row once, in order, each piece within a frame.
struct ReadPiecesTests {
    @Test(arguments: [
        [1, 2, 3],
        [Int](repeating: 200_000, count: 11),
        [Int](repeating: 250_000, count: 8) + [Int](repeating: 1, count: 5_000),
        [Int](repeating: 0, count: 66_000) + [200_000],
        [],
    ])
    func `pieces hold every row once and fit a frame`(_ sizes: [Int]) throws {
        var rows: [Int] = []
        try ReadPieces.each(rows: sizes.count, leastRowBytes: 1) { range in
            guard sizes[range].reduce(0, +) <= ReadPieces.singleFrameBytes else { return false }
            #expect(range.count <= Limits.batchRows)
            rows += range
            return true
        }
        #expect(rows == Array(sizes.indices))
    }

    @Test func `a row over a frame is refused with its number`() throws {
        let sizes = [1, 2, ReadPieces.singleFrameBytes + 1, 4]
        let error = try #require(throws: AlulaError.self) {
            try ReadPieces.each(rows: 4, leastRowBytes: 1) { range in
                sizes[range].reduce(0, +) <= ReadPieces.singleFrameBytes
            }
        }
        #expect(error.code == .resourceExhausted)
        #expect(error.message.contains("row 2"))
    }

    @Test(arguments: [0, 1, 100, 127, 128, 300, 16_383, 16_384, 65_536, 131_072])
    func `the rows of an answer are field 5 of its message`(_ rows: Int) throws {
        var message = WireReadResponse()
        message.service = "credit@2"
        message.plan = 77
        let head = Array(try Messages.encode(message).readableBytesView)
        let control = ReadAnswerHead.control(head, rows: rows)
        #expect(control.readableBytes == head.count + ReadAnswerHead.rowsBytes(rows))
        message.rows = UInt32(rows)
        #expect(try Messages.decode(WireReadResponse.self, from: control) == message)
    }
}

/// What a read is asked with has to be what the service takes.
struct ReadShapeTests {
    private static let plan = FeaturePlan(
        service: FeatureServiceReference(name: name("s"), version: 1),
        snapshotRevision: 1,
        views: [
            .init(
                view: FeatureView(
                    id: FeatureViewID(1),
                    name: name("v"),
                    entity: Entity(
                        id: EntityID(1),
                        name: name("e"),
                        keys: [.init(name: name("id"), type: .int64)]
                    ),
                    features: []
                ),
                label: "v",
                keyColumns: [.init(name: name("id"), type: .int64)],
                lookback: nil,
                maxAge: nil,
                features: []
            )
        ],
        requestFields: [.init(name: name("sum"), type: .float64)]
    )

    private static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("\(text) is not a name") }
        return name
    }

    @Test(arguments: [
        (["di", "sum"], "\"di\" is neither a key nor a request field"),
        (["sum"], "key column \"id\" is missing"),
        (["id"], "request field \"sum\" (float64) is missing"),
        (["id", "sum", "more"], "\"more\" is neither"),
    ])
    func `a column that is missing or unknown is named`(
        columns: [String],
        message: String
    ) throws {
        let schema = Schema(fields: columns.map { .init(name: $0, type: .int64) })
        let error = try #require(throws: AlulaError.self) {
            try ReadShape(schema, plan: Self.plan)
        }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(message), "\(error.message)")
        #expect(error.help.contains("takes keys id (int64)"))
    }

    @Test func `columns are found wherever they stand`() throws {
        let schema = Schema(
            fields: [.init(name: "sum", type: .float64), .init(name: "id", type: .int64)]
        )
        let shape = try ReadShape(schema, plan: Self.plan)
        #expect(shape.keys == [1])
        #expect(shape.requestFields == [0])
    }
}

/// As many keys as a read takes, and one more.
struct ReadKeysTests {
    private func decode(_ rows: Int) throws -> Int {
        let keys = Column(
            type: .scalar(.bool),
            count: rows,
            validity: [],
            offsets: [],
            itemOffsets: [],
            values: [UInt8](repeating: 0, count: (rows + 7) / 8)
        )
        let schema = Schema(fields: [.init(name: "flag", type: .scalar(.bool))])
        let batch = RecordBatch(schema: schema, columns: [keys], rowCount: rows)
        return try BatchCodec.decode(
            BatchCodec.encode(batch),
            schema: schema,
            maxRows: Limits.readKeys
        ).rowCount
    }

    @Test func `the greatest number of rows is taken`() throws {
        #expect(try decode(Limits.readKeys) == Limits.readKeys)
    }

    @Test func `one row more is refused with the limit`() throws {
        let error = try #require(throws: AlulaError.self) { try decode(Limits.readKeys + 1) }
        #expect(error.message.contains("at most \(Limits.readKeys)"), "\(error.message)")
    }
}
