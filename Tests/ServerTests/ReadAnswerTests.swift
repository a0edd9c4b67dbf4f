import Codec
import Domain
import Online
import Testing

@testable import Server

/// A large answer in pieces: every row once, in order, each piece within a frame.
struct ReadAnswerTests {
    private func answer(_ texts: [Int], columns: Int = 1) throws -> (RecordBatch, OnlineAnswer) {
        var fields: [Schema.Field] = []
        var built: [Column] = []
        for number in 0..<columns {
            fields.append(.init(name: "text\(number)", type: .string))
            built.append(
                try Column(.string, texts.map { .string(String(repeating: "t", count: $0)) })
            )
        }
        let vector = RecordBatch(
            schema: Schema(fields: fields),
            columns: built,
            rowCount: texts.count
        )
        let answer = OnlineAnswer(
            rowCount: texts.count,
            columns: built,
            eventTimes: [texts.indices.map { Int64($0) }],
            statuses: [texts.map { _ in 0 }]
        )
        return (vector, answer)
    }

    @Test(arguments: [
        [1, 2, 3],
        [Int](repeating: 200_000, count: 11),
        [Int](repeating: 250_000, count: 8) + [Int](repeating: 1, count: 5_000),
        [Int](repeating: 0, count: 66_000) + [200_000],
    ])
    func `pieces hold every row once and fit a frame`(_ texts: [Int]) throws {
        let (vector, answer) = try answer(texts)
        var seen: [Column] = []
        var rows = 0
        try ReadAnswerCodec.pieces(vector, answer) { count, data throws(AlulaError) in
            #expect(data.count <= ReadAnswerCodec.singleFrameBytes)
            #expect(count <= Limits.batchRows)
            let size = data.count - 8 * count - (count + 7) / 8 * 8
            let batch = try BatchCodec.decode(Array(data[..<size]), schema: vector.schema)
            #expect(batch.rowCount == count)
            seen += batch.columns
            rows += count
        }
        #expect(rows == texts.count)
        let lengths = seen.flatMap { column in
            (0..<column.count).map { Int(column.offsets[$0 + 1] - column.offsets[$0]) }
        }
        #expect(lengths == texts)
    }

    @Test func `an answer said to fit one frame fits it`() throws {
        for bytes in stride(from: 3, to: 260_000, by: 12_001) {
            for columns in [1, 8, 300] where bytes * columns < 1 << 19 {
                let (vector, answer) = try answer([bytes, bytes], columns: columns)
                guard ReadAnswerCodec.fitsOneFrame(vector) else { continue }
                let size = ReadAnswerCodec.encode(vector, answer).count
                #expect(
                    size <= ReadAnswerCodec.singleFrameBytes,
                    "\(bytes) bytes, \(columns) columns"
                )
            }
        }
    }

    @Test func `a row that fits no frame is named`() throws {
        let (vector, answer) = try answer([1, 200_000], columns: 6)
        #expect {
            try ReadAnswerCodec.pieces(vector, answer) { _, _ in }
        } throws: { error in
            (error as? AlulaError)?.code == .resourceExhausted && "\(error)".contains("row 1")
        }
    }

    @Test(arguments: [
        ("127.0.0.1:7461", "127.0.0.1", 7461, true), ("[::1]:0", "::1", 0, true),
        ("localhost:65535", "localhost", 65535, true), ("0.0.0.0:1", "0.0.0.0", 1, false),
    ])
    func `an address is a host and a port`(
        _ text: String,
        _ host: String,
        _ port: Int,
        _ isLoopback: Bool
    ) throws {
        let address = try HostAndPort(text: text, option: "--listen")
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "7461", ":7461", "host:", "host:65536", "host:-1", "host:x"])
    func `what is no address is refused by the option`(_ text: String) {
        #expect {
            try HostAndPort(text: text, option: "--listen")
        } throws: { error in
            "\(error)".contains("--listen")
        }
    }
}
