import Client
import Codec
import Domain
import NIOCore
import Synchronization
import Testing
import Wire

struct FeatureCallsTests {
    private let keys = Schema(fields: [.init(name: "zipcode", type: .int64)])
    private let vector = Schema(fields: [
        .init(name: "population", type: .int64), .init(name: "due", type: .float64),
        .init(name: "loan_amount", type: .float64),
    ])

    /// Two views of one feature, a request field, and two rows: one of each status.
    private func answer() throws -> ByteBuffer {
        let batch = RecordBatch(
            schema: vector,
            columns: [
                try Column(.int64, [.int64(7), .null]), try Column(.float64, [.null, .null]),
                try Column(.float64, [.float64(10), .null]),
            ],
            rowCount: 2
        )
        var data = ByteBuffer(bytes: BatchCodec.encode(batch))
        for (times, statuses) in [([100, 0], [0, 2]), ([200, 300], [0, 3])] as [([Int64], [UInt8])]
        {
            for time in times { data.writeInteger(time, endianness: .little) }
            data.writeBytes(statuses + [UInt8](repeating: 0, count: 6))
        }
        return data
    }

    private func part(_ label: String) -> WireViewPart {
        var part = WireViewPart()
        part.label = label
        part.view = "v_" + label
        part.columns = 1
        return part
    }

    @Test func `an answer has a status and an event time for every value`() async throws {
        let data = try answer()
        let parts = [part("place"), part("person")]
        let schema = WireSchema(vector)
        let known = Mutex<[UInt64]>([])
        let server = try await ScriptedServer { frame, peer in
            let request = try Messages.decode(WireReadRequest.self, from: frame.control)
            known.withLock { $0.append(request.knownPlan) }
            var response = WireReadResponse()
            response.plan = 42
            response.service = "credit@2"
            response.rows = 2
            if request.knownPlan != 42 {
                response.schema = schema
                response.parts = parts
            }
            peer.send(.response, to: frame, control: try Messages.encode(response), data: data)
        }
        let client = AlulaClient(address: ServerAddress(port: server.port))
        let entities = RecordBatch(
            schema: keys,
            columns: [try Column(.int64, [.int64(1), .int64(2)])],
            rowCount: 2
        )
        let service = try FeatureServiceReference(text: "credit")
        let vectors = try await client.read(service, entities)
        #expect(vectors.service == "credit@2")
        let statuses = (0..<2).map { row in
            (0..<3).map { vectors.status(row: row, column: $0) }
        }
        #expect(statuses == [[.present, .null, .present], [.notFound, .expired, .null]])
        #expect(vectors.eventTime(row: 0, column: 0) == Timestamp(microseconds: 100))
        #expect(vectors.eventTime(row: 1, column: 0) == nil)
        #expect(vectors.eventTime(row: 1, column: 1) == Timestamp(microseconds: 300))
        #expect(vectors.eventTime(row: 0, column: 2) == nil)
        #expect(try await client.read(service, entities) == vectors, "the same from a known plan")
        #expect(known.withLock { $0 } == [0, 42])
        await client.close()
        try await server.close()
    }

    @Test func `a large answer comes in items and is one answer`() async throws {
        let data = try answer()
        let parts = [part("place"), part("person")]
        let schema = WireSchema(vector)
        let isComplete = Mutex(true)
        let server = try await ScriptedServer { frame, peer in
            var item = WireReadResponse()
            item.plan = 42
            item.rows = 2
            for number in 0..<3 {
                if number == 0 { item.schema = schema } else { item.clearSchema() }
                item.parts = number == 0 ? parts : []
                peer.send(.item, to: frame, control: try Messages.encode(item), data: data)
            }
            item.rows = isComplete.withLock { $0 } ? 6 : 7
            peer.send(.response, to: frame, control: try Messages.encode(item))
        }
        let client = AlulaClient(address: ServerAddress(port: server.port))
        let entities = RecordBatch(
            schema: keys,
            columns: [try Column(.int64, (0..<6).map { .int64($0) })],
            rowCount: 6
        )
        let service = try FeatureServiceReference(text: "credit")
        let vectors = try await client.read(service, entities)
        #expect(vectors.batch.columns[0].count == 6)
        #expect(
            (0..<6).map { vectors.batch.columns[0][$0] == .int64(7) }
                == [true, false, true, false, true, false]
        )
        #expect(
            (0..<6).map { vectors.status(row: $0, column: 1) }
                == [.null, .expired, .null, .expired, .null, .expired]
        )
        #expect(vectors.eventTime(row: 5, column: 1) == Timestamp(microseconds: 300))
        isComplete.withLock { $0 = false }
        let error = await #expect(throws: AlulaError.self) {
            try await client.read(service, entities)
        }
        #expect(error?.message == "the server's answer has 6 rows of 7")
        await client.close()
        try await server.close()
    }

    @Test func `an answer that is cut short anywhere is an error and never traps`() async throws {
        let data = try answer()
        let parts = [part("place"), part("person")]
        let schema = WireSchema(vector)
        let cut = Mutex(0)
        let server = try await ScriptedServer { frame, peer in
            var response = WireReadResponse()
            response.plan = 42
            response.rows = 2
            response.schema = schema
            response.parts = parts
            let count = cut.withLock { $0 }
            peer.send(
                .response,
                to: frame,
                control: try Messages.encode(response),
                data: data.getSlice(at: 0, length: count) ?? ByteBuffer()
            )
        }
        let client = AlulaClient(address: ServerAddress(port: server.port))
        let entities = RecordBatch(
            schema: keys,
            columns: [try Column(.int64, [.int64(1), .int64(2)])],
            rowCount: 2
        )
        let service = try FeatureServiceReference(text: "credit")
        // The last six bytes are padding that nobody needs.
        for count in 0..<data.readableBytes - 6 {
            cut.withLock { $0 = count }
            await #expect(throws: AlulaError.self, "cut at \(count)") {
                try await client.read(service, entities)
            }
        }
        await client.close()
        try await server.close()
    }

    @Test func `pushed rows travel with their schema and come back with a status each`()
        async throws
    {
        let rows = RecordBatch(
            schema: keys,
            columns: [try Column(.int64, [.int64(1), .int64(2)])],
            rowCount: 2
        )
        let server = try await ScriptedServer { frame, peer in
            let request = try Messages.decode(WirePushRequest.self, from: frame.control)
            let batch = try BatchCodec.decode(
                Array(frame.data.readableBytesView),
                schema: try Schema(wire: request.schema)
            )
            var response = WirePushResponse()
            response.logEntry = 5
            response.statuses.append(contentsOf: [0, UInt8(batch == rows ? 3 : 1)])
            var problem = WireRowProblem()
            problem.row = 1
            problem.reason = request.view
            response.problems = [problem]
            peer.send(.response, to: frame, control: try Messages.encode(response))
        }
        let client = AlulaClient(address: ServerAddress(port: server.port))
        let outcome = try await client.push(rows, to: try FeatureViewName("place", as: "view"))
        #expect(outcome.logEntry == 5)
        #expect(outcome.statuses == [.accepted, .invalid])
        #expect(outcome.problems.map(\.row) == [1])
        #expect(outcome.problems.map(\.reason) == ["place"])
        await client.close()
        try await server.close()
    }
}
