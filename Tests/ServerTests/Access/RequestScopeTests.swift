import Domain
import NIOCore
import SwiftProtobuf
import Testing
import Wire

/// What a request is about, read from its first bytes: never something else than what is decoded
/// later.
struct RequestScopeTests {
    private let view = Wire.Operation.push.scope

    private func scope(_ bytes: [UInt8], _ operation: Wire.Operation = .push) throws -> RequestScope
    {
        guard case .named(let fields) = operation.scope else { fatalError() }
        return try RequestScope(of: ByteBuffer(bytes: bytes), fields: fields)
    }

    @Test func `the project and the names are found wherever they stand`() throws {
        var request = WirePushRequest()
        request.head.project = "credit"
        request.head.timeoutMs = 700
        request.view = "history"
        let bytes: [UInt8] = try request.serializedBytes()
        #expect(try scope(bytes).project == "credit")
        #expect(try scope(bytes).names == [["history"]])
        var views = WireMaterializeRequest()
        views.views = ["a", "b"]
        #expect(try scope(try views.serializedBytes(), .materialize).names == [["a", "b"]])
        #expect(try scope([]).project == "")
    }

    @Test func `a message that says a thing twice is refused, for a decoder would take the last`()
        throws
    {
        var first = WirePushRequest()
        first.head.project = "mine"
        first.view = "mine"
        var second = WirePushRequest()
        second.head.project = "theirs"
        var third = WirePushRequest()
        third.view = "theirs"
        let head: [UInt8] = try first.serializedBytes()
        for more in [second, third] {
            #expect(throws: AlulaError.self) {
                try scope(head + (try more.serializedBytes() as [UInt8]))
            }
        }
        // Within the head, too: field 1 of field 1, twice.
        let twice: [UInt8] = [0x0A, 6, 0x0A, 1, 0x61, 0x0A, 1, 0x62]
        #expect(throws: AlulaError.self) { try scope(twice) }
    }

    @Test func `numbers written long, groups and cut messages do not slip by`() throws {
        let cases: [[UInt8]] = [
            [0x0B, 0x0C],  // a group
            [0x0A],  // no length
            [0x0A, 5, 1],  // cut
            [0x08, 1],  // the head as a number
            [0x10, 1],  // the view as a number
            [0x00],  // field 0
            Array(repeating: 0xFF, count: 11),  // a number without end
            [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],  // a length beyond the message
        ]
        for bytes in cases { #expect(throws: AlulaError.self, "\(bytes)") { try scope(bytes) } }
        // An overlong tag is the same field.
        #expect(try scope([0x92, 0x00, 1, 0x61]).names == [["a"]])
    }

    @Test func `a name is as long as a name may be, and not longer`() throws {
        func named(_ count: Int) -> [UInt8] {
            [0x12, UInt8(count & 0x7F | 0x80), UInt8(count >> 7)]
                + Array(repeating: 0x61, count: count)
        }
        #expect(try scope(named(Limits.nameLength + 16)).names[0][0].count == 144)
        #expect(throws: AlulaError.self) { try scope(named(Limits.nameLength + 17)) }
    }

    @Test func `what is found is what SwiftProtobuf decodes, for random messages`() throws {
        var generator = SystemRandomNumberGenerator()
        var compared = 0
        for _ in 0..<3_000 {
            var request = WirePushRequest()
            request.head.project = Bool.random() ? "p" : ""
            request.view = ["", "v", "other"].randomElement(using: &generator) ?? ""
            var bytes: [UInt8] = try request.serializedBytes()
            for _ in 0..<Int.random(in: 0...3) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count)] = .random(in: 0...255)
            }
            guard let found = try? scope(bytes),
                let decoded = try? WirePushRequest(serializedBytes: bytes)
            else { continue }
            compared += 1
            #expect(found.project == decoded.head.project, "\(bytes)")
            #expect((found.names[0].last ?? "") == decoded.view, "\(bytes)")
        }
        #expect(compared > 300)
    }
}
