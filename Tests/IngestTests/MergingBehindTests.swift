import Domain
import Foundation
import Offline
import TestSupport
import Testing

@testable import Ingest

/// Segments merged behind the loads that made them.
struct MergingBehindTests {
    private func segments(_ fixture: IngestFixture) throws -> UInt64? {
        try fixture.offline.statistics()[Fixtures.view().id]?.segments
    }

    @Test func `merges wait until loads are over, or until somebody waits for them`() throws {
        let fixture = try IngestFixture(background: .all)
        let start = ContinuousClock.now
        for number in 0..<20 as Range<Int64> { try fixture.importRows([(number, -10, number)]) }
        try fixture.settle()
        let before = try segments(fixture)
        // Nothing is told of a machine so slow that a merge was due.
        if ContinuousClock.now - start < .seconds(3) { #expect(before == 20) }
        try fixture.waitForBackground()
        #expect(try #require(try segments(fixture)) < 8)
        let log = try FileManager.default.attributesOfItem(
            atPath: fixture.directory.file("offline.sqlite-wal")
        )
        #expect(try #require(log[.size] as? Int) <= 1 << 20)
    }
}
