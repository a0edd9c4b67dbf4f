import Domain
import Testing

struct StorageHealthTests {
    private let reason = AlulaError(.internal, "fsync: Input/output error")

    @Test func `the first failure stays, and every write is refused with it`() throws {
        let health = StorageHealth()
        try health.check()
        #expect(health.failure == nil)
        health.fail(reason)
        health.fail(AlulaError(.internal, "another"))
        #expect(health.failure == reason)
        let refusal = try #require(throws: AlulaError.self) { try health.check() }
        #expect(refusal.code == .failedPrecondition)
        #expect(refusal.message.contains("Input/output error"))
        #expect(refusal.help.contains("restart"))
    }

    @Test func `a part that fails ends the whole, and not the other way round`() throws {
        let whole = StorageHealth()
        let part = StorageHealth(partOf: whole)
        whole.fail(reason)
        try part.check()
        part.fail(AlulaError(.internal, "its own"))
        #expect(part.failure?.message == "its own")
        #expect(whole.failure == reason)
    }

    @Test func `what makes durable and fails is not tried again`() throws {
        let health = StorageHealth()
        #expect(try health.durably { () throws(AlulaError) in 7 } == 7)
        #expect(throws: AlulaError.self) {
            try health.durably { () throws(AlulaError) in throw reason }
        }
        #expect(health.failure == reason)
    }
}
