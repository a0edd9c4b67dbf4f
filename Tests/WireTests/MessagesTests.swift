import Domain
import Testing
import Wire

struct MessagesTests {
    /// Groups of a field that no message has, one within the other.
    private func nested(_ depth: Int) -> [UInt8] {
        [UInt8](repeating: 0x7B, count: depth) + [UInt8](repeating: 0x7C, count: depth)
    }

    @Test func `messages within messages are taken up to their limit, and refused beyond`() throws {
        _ = try Messages.decode(WireSetAliasRequest.self, from: nested(Limits.nesting - 2))
        for depth in [Limits.nesting + 1, 100, 100_000] {
            let error = #expect(throws: AlulaError.self) {
                try Messages.decode(WireSetAliasRequest.self, from: nested(depth))
            }
            #expect(error?.message.contains("more than \(Limits.nesting) deep") == true)
        }
    }
}
