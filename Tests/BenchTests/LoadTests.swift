import Bench
import Client
import Codec
import Domain
import Foundation
import NIOCore
import Synchronization
import Testing
import Wire

@Suite(.serialized) struct LoadTests {
    private static let range = KeySource.ids(first: 40, count: 10, .uniform, seed: 1)

    /// Loads block: away from the threads that tests wait on.
    private func run(_ plan: LoadPlan) async throws -> LoadResult {
        try await withCheckedThrowingContinuation { continuation in
            onThread {
                continuation.resume(with: Result { try Load.run(plan) })
            }
        }
    }

    private func plan(
        _ server: AnsweringServer,
        _ source: KeySource = range,
        entities: Int = 3,
        pace: LoadPlan.Pace = .closed,
        connections: Int = 1,
        threads: Int = 1,
        decodeEvery: Int = 1
    ) throws -> LoadPlan {
        LoadPlan(
            address: server.address,
            requests: try OneFeature.reads(source, entities: entities).make(knownPlan: 7),
            check: .read(OneFeature.plan, entities: entities),
            connections: connections,
            threads: threads,
            pace: pace,
            warmUp: 0,
            duration: 0.4,
            patience: 0.5,
            decodeEvery: decodeEvery
        )
    }

    @Test(arguments: [(1, 1), (5, 2)])
    func `requests are whole, numbered, and ask for keys of the range`(
        connections: Int,
        threads: Int
    ) async throws {
        let server = try await AnsweringServer { _, frame, channel in
            OneFeature.answer(frame, channel, rows: 3)
        }
        let result = try await run(plan(server, connections: connections, threads: threads))
        #expect(result.counts.answered > 10 && result.counts.failed == 0)
        #expect(result.counts.statuses.counts == ["present": 3 * result.counts.statuses.answers])
        #expect(result.counts.statuses.answers >= result.counts.answered)
        var asked = Set<Int64>()
        for frame in server.frames {
            let request = try Messages.decode(WireReadRequest.self, from: frame.control)
            #expect(request.service == "s" && request.knownPlan == 7)
            let batch = try BatchCodec.decode(
                Array(frame.data.readableBytesView),
                schema: Schema(fields: OneFeature.keys)
            )
            #expect(batch.rowCount == 3)
            for row in 0..<3 { asked.insert(batch.columns[0].load(row, as: Int64.self)) }
        }
        #expect(asked == Set(40..<50))
        #expect(server.frames.filter { $0.call == 1 }.count == connections)
        try await server.stop()
    }

    @Test func `latency of an open loop counts from when a request was due`() async throws {
        // The 40th request holds up everything behind it for 200 of 400 milliseconds.
        let server = try await AnsweringServer { number, frame, channel in
            guard number >= 40, number < 41 else {
                return OneFeature.answer(frame, channel, rows: 3)
            }
            channel.eventLoop.scheduleTask(in: .milliseconds(200)) {
                OneFeature.answer(frame, channel, rows: 3)
            }
        }
        let open = try await run(plan(server, pace: .open(perSecond: 500)))
        #expect(open.counts.answered == 200 && open.counts.unanswered == 0)
        #expect(open.counts.latency(percentile: 80) > 20_000)
        #expect(open.counts.greatestLatency > 190_000)
        #expect(open.counts.latency(percentile: 10) < 20_000)
        try await server.stop()
    }

    @Test func `what is due and has no answer is counted`() async throws {
        let server = try await AnsweringServer { number, frame, channel in
            if number < 10 { OneFeature.answer(frame, channel, rows: 3) }
        }
        let result = try await run(plan(server, pace: .open(perSecond: 100), connections: 2))
        #expect(result.counts.answered == 10)
        #expect((29...30).contains(result.counts.unanswered))
        try await server.stop()
    }

    @Test func `a refusal for good ends the load, one for the moment is counted`() async throws {
        func failing(_ error: AlulaError) async throws -> AnsweringServer {
            let control = try Messages.encode(WireFailure(error))
            return try await AnsweringServer { number, frame, channel in
                guard number == 5 else { return OneFeature.answer(frame, channel, rows: 3) }
                channel.send(.error, to: frame, control: control)
            }
        }
        let busy = try await failing(AlulaError(.resourceExhausted, "busy"))
        let result = try await run(plan(busy))
        #expect(result.counts.failed == 1 && result.counts.firstFailure?.message == "busy")
        #expect(result.counts.answered > 10)
        try await busy.stop()
        let gone = try await failing(.notFound("gone"))
        await #expect(throws: AlulaError.notFound("gone")) { try await run(plan(gone)) }
        try await gone.stop()
    }

    @Test func `an answer of other rows than asked for ends the load`() async throws {
        let server = try await AnsweringServer { number, frame, channel in
            OneFeature.answer(frame, channel, rows: number == 20 ? 2 : 3)
        }
        await #expect(throws: AlulaError.self) { try await run(plan(server)) }
        try await server.stop()
    }

    @Test func `an answer in items is put together, and its credit given back`() async throws {
        let server = try await AnsweringServer { _, frame, channel in
            guard frame.kind == .request,
                let control = try? Messages.encode(
                    OneFeature.response(rows: 0)
                )
            else { return }
            for rows in [1, 2] {
                let data = ByteBuffer(bytes: OneFeature.data(rows: rows))
                channel.send(.item, to: frame, control: control, data: data)
            }
            guard let end = try? Messages.encode(OneFeature.response(rows: 3)) else { return }
            channel.send(.response, to: frame, control: end)
        }
        let result = try await run(plan(server))
        #expect(result.counts.answered > 5)
        #expect(result.counts.statuses.counts == ["present": 3 * result.counts.statuses.answers])
        let windows = server.frames.filter { $0.kind == .window }
        #expect(windows.count >= 2 * Int(result.counts.answered))
        try await server.stop()
    }

    @Test func `keys of a file are asked for as they are, a push has its own id and time`()
        async throws
    {
        let names = Schema.Field(name: "name", type: .string)
        let batch = RecordBatch(
            schema: Schema(fields: [names]),
            columns: [try Column(.string, ["a", "bcd", ""].map { .string($0) })],
            rowCount: 3
        )
        let features = [
            Schema.Field(name: "x", type: .float64),
            Schema.Field(name: "e", type: .fixedList(.float32, length: 4)),
        ]
        let pushes = PushFrames(
            project: "p",
            view: "v",
            keys: [names],
            features: features,
            rows: 2,
            source: .rows(batch, .uniform),
            seed: 1
        )
        let server = try await AnsweringServer { _, frame, channel in
            var answer = WirePushResponse()
            answer.statuses = .init([0, 1])
            guard let control = try? Messages.encode(answer) else { return }
            channel.send(.response, to: frame, control: control)
        }
        let load = LoadPlan(
            address: server.address,
            requests: try pushes.make(),
            check: .push(rows: 2),
            connections: 2,
            warmUp: 0,
            duration: 0.2,
            decodeEvery: 1
        )
        let result = try await run(load)
        let answers = result.counts.statuses.answers
        #expect(result.counts.statuses.counts == ["accepted": answers, "older": answers])
        let event = Schema.Field(name: RowColumn.eventTime, type: .timestamp)
        var ids = Set<[UInt8]>()
        var keys = Set<String>()
        var last: Int64 = 1_700_000_000_000_000
        for frame in server.frames where frame.call > 0 {
            let request = try Messages.decode(WirePushRequest.self, from: frame.control)
            #expect(request.view == "v" && request.head.project == "p")
            ids.insert(Array(request.head.requestID))
            let rows = try BatchCodec.decode(
                Array(frame.data.readableBytesView),
                schema: Schema(fields: [event, names] + features)
            )
            let times = (0..<2).map { rows.columns[0].load($0, as: Int64.self) }
            #expect(times[0] == times[1] && times[0] > last - 1_000_000)
            last = max(last, times[0])
            for row in 0..<2 {
                keys.insert(String(decoding: rows.columns[1].slice(row), as: UTF8.self))
            }
        }
        #expect(ids.count == server.frames.count)
        #expect(keys == ["a", "bcd", ""])
        try await server.stop()
    }

    @Test func `an echo answers with frames of the size asked for`() async throws {
        let server = try EchoServer(requestBytes: 100, responseBytes: 70_000)
        let load = LoadPlan(
            address: server.address,
            requests: RequestFrames(bytes: 100),
            check: .none,
            connections: 3,
            warmUp: 0,
            duration: 0.2
        )
        let result = try await run(load)
        server.stop()
        #expect(result.counts.answered > 10)
        #expect(result.requestBytes == 100 && result.bytesPerAnswer >= 70_000)
    }

    @Test func `keys and sizes that cannot be are refused with what was expected`() {
        let text = [Schema.Field(name: "name", type: .string)]
        var reads = OneFeature.reads(Self.range, entities: 1)
        reads.keys = text
        #expect(throws: AlulaError.self) { try reads.make(knownPlan: 0) }
        #expect(throws: AlulaError.self) {
            try OneFeature.reads(Self.range, entities: 0).make(knownPlan: 0)
        }
        #expect(throws: AlulaError.self) { try EchoServer(requestBytes: 3, responseBytes: 100) }
    }
}
