import Domain
import NIOCore
import Testing
import Wire

struct FrameTests {
    private static let frames: [Frame] = [
        Frame(kind: .request, operation: 1, call: 1),
        Frame(
            kind: .request,
            hasMore: true,
            operation: 0x40,
            call: 7,
            control: ByteBuffer(string: "abc"),
            data: ByteBuffer(string: "12345678")
        ),
        Frame(kind: .item, operation: 0x40, call: 7, data: ByteBuffer(repeating: 9, count: 100)),
        Frame(
            kind: .response,
            operation: 0x30,
            call: .max,
            control: ByteBuffer(string: "12345678")
        ),
        Frame(kind: .error, operation: 0, call: 0, control: ByteBuffer(string: "x")),
    ]

    private func bytes(_ frames: [Frame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames { frame.encode(into: &buffer) }
        return Array(buffer.readableBytesView)
    }

    /// Feeds the bytes in the pieces given; returns the frames that came out.
    private func decode(_ bytes: [UInt8], pieces: Int) throws -> [Frame] {
        let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder())
        var frames: [Frame] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = bytes[start..<min(start + pieces, bytes.count)]
            try processor.process(buffer: ByteBuffer(bytes: piece)) { frames.append($0) }
        }
        try processor.finishProcessing(seenEOF: true) { frames.append($0) }
        return frames
    }

    @Test(arguments: [1, 2, 3, 7, 16, 17, 64, 10_000])
    func `frames come out as they went in, however they are cut`(pieces: Int) throws {
        let decoded = try decode(bytes(Self.frames), pieces: pieces)
        #expect(decoded == Self.frames)
    }

    @Test func `an encoded frame is drawn as the protocol says`() {
        let frame = Frame(
            kind: .request,
            hasMore: true,
            operation: 0x0140,
            call: 0x0102_0304,
            control: ByteBuffer(bytes: [0xAA, 0xBB, 0xCC]),
            data: ByteBuffer(bytes: [0xDD])
        )
        #expect(
            bytes([frame]) == [
                9, 0, 0, 0, 1, 1, 0x40, 0x01, 4, 3, 2, 1, 3, 0, 0, 0,
                0xAA, 0xBB, 0xCC, 0, 0, 0, 0, 0, 0xDD,
            ]
        )
    }

    @Test func `every truncation is an error, and never a frame of its own`() throws {
        let whole = bytes([Self.frames[1]])
        for length in 1..<whole.count {
            #expect(throws: AlulaError.self) { try decode(Array(whole.prefix(length)), pieces: 5) }
        }
    }

    @Test func `every change of a header byte gives frames or an error, never a trap`() {
        let whole = bytes([Self.frames[1]])
        for index in 0..<Frame.headerBytes {
            for value in UInt8.min...UInt8.max {
                var changed = whole
                changed[index] = value
                _ = try? decode(changed, pieces: 9)  // either is fine; a trap ends the test
            }
        }
    }

    private struct Broken: Sendable {
        let name: String
        let offset: Int
        let bytes: [UInt8]
        let message: String
    }

    @Test func `each broken header is refused with its reason as soon as it is read`() throws {
        let cases: [Broken] = [
            Broken(
                name: "payload",
                offset: 0,
                bytes: [1, 0, 16, 0],
                message: "over the limit of 1048576"
            ),
            Broken(name: "kind 0", offset: 4, bytes: [0], message: "kind 0 is unknown"),
            Broken(name: "kind 8", offset: 4, bytes: [8], message: "kind 8 is unknown"),
            Broken(name: "flags", offset: 5, bytes: [2], message: "flags 2 are unknown"),
            Broken(name: "call 0", offset: 8, bytes: [0, 0, 0, 0], message: "call 0"),
            Broken(
                name: "control",
                offset: 12,
                bytes: [1, 0, 4, 0],
                message: "over the limit of 262144"
            ),
            Broken(
                name: "control over payload",
                offset: 12,
                bytes: [200, 0, 0, 0],
                message: "over its payload"
            ),
        ]
        for test in cases {
            var header = Array(bytes([Self.frames[1]]).prefix(Frame.headerBytes))
            header.replaceSubrange(test.offset..<test.offset + test.bytes.count, with: test.bytes)
            let error = #expect(throws: AlulaError.self, "\(test.name)") {
                let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder())
                try processor.process(buffer: ByteBuffer(bytes: header)) { _ in }
            }
            #expect(
                error?.message.contains(test.message) == true,
                "\(test.name): \(error?.message ?? "")"
            )
        }
    }

    @Test func `the largest frame is taken`() throws {
        let frame = Frame(
            kind: .item,
            operation: 1,
            call: 1,
            data: ByteBuffer(repeating: 1, count: Limits.frameBytes)
        )
        #expect(try decode(bytes([frame]), pieces: 100_000) == [frame])
    }
}

struct PrefaceTests {
    @Test func `client and server agree on version 1`() throws {
        var bytes = Preface.client()
        #expect(try Preface.takeClient(from: &bytes) == 1)
        var answer = Preface.server(chosen: 1)
        #expect(try Preface.takeServer(from: &answer) == 1)
    }

    @Test func `no version in common is 0, which a client refuses`() throws {
        var bytes = Preface.client(lowest: 2, highest: 9)
        #expect(try Preface.takeClient(from: &bytes) == 0)
        var answer = Preface.server(chosen: 0)
        #expect(throws: AlulaError.self) { try Preface.takeServer(from: &answer) }
    }

    @Test func `a stray HTTP client is told with its first bytes`() {
        var bytes = ByteBuffer(string: "GE")
        #expect(throws: AlulaError.self) { try Preface.takeClient(from: &bytes) }
    }

    @Test func `a preface in pieces is waited for`() throws {
        var bytes = ByteBuffer(string: "ALU")
        #expect(try Preface.takeClient(from: &bytes) == nil)
    }
}
