import Domain
import Served
import Testing

struct PredictionIDTests {
    @Test func `bytes are in the order of time and come back`() throws {
        let ids = [
            PredictionID(stamp: 5, version: 2, row: 0, isLogged: false),
            PredictionID(stamp: 5, version: 2, row: 7, isLogged: true),
            PredictionID(stamp: 1_790_000_000_000_000, version: 1, row: 131_071, isLogged: true),
        ]
        for id in ids {
            #expect(id.bytes.count == 16)
            #expect(PredictionID(id.bytes) == id)
        }
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
        let texts = ids.map(\.description)
        #expect(texts == texts.sorted())
        #expect(texts[1] == "0000000000000005" + "00000002" + "80000007")
    }

    @Test func `what is no id is none`() {
        #expect(PredictionID([]) == nil)
        #expect(PredictionID([UInt8](repeating: 1, count: 15)) == nil)
        #expect(PredictionID([UInt8](repeating: 0xFF, count: 16)) == nil)
    }
}
