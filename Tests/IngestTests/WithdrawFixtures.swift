import Domain
import Foundation
import Offline
import RocksDB
import TestSupport
import Testing

@testable import Ingest

extension IngestFixture {
    /// Stages rows of `view()` or one like it, publishes them, and gives the log entry.
    @discardableResult
    func importRows(
        _ rows: [(key: Int64, event: Int64, value: Int64)],
        created: [Int64?]? = nil,
        to view: FeatureView = Fixtures.view()
    ) throws -> UInt64 {
        let record = try offline.beginImport(
            OfflineStore.ImportDescriptor(
                view: view.id,
                project: Fixtures.name("p"),
                sourceName: "rows.csv",
                sourceDigest: try #require(
                    ContentDigest(bytes: Fixtures.requestID() + Fixtures.requestID())
                ),
                options: "",
                begun: clock.now
            ),
            again: true
        )
        let checked = try FeatureRowsChecker.check(
            try Fixtures.rows(rows, created: created),
            view: view,
            now: clock.now,
            futureRows: .kept
        )
        _ = try offline.stage(
            importID: record.id,
            chunk: 0,
            rows: checked.rows,
            layout: view.layouts[0]
        )
        let bytes = try ingestor.publishImport(
            id: record.id,
            view: view,
            rows: UInt64(rows.count),
            requestID: Fixtures.requestID()
        ) { entry in (0..<8).map { UInt8(truncatingIfNeeded: entry >> (8 * $0)) } }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    @discardableResult
    func retract(_ entries: ClosedRange<UInt64>, view: FeatureView? = nil) throws -> UInt64 {
        try ingestor.retract(entries, view: view, requestID: Fixtures.requestID())
    }

    @discardableResult
    func restore(_ views: [FeatureView] = [Fixtures.view()]) throws -> UInt64 {
        try ingestor.restoreOnline(views: views, cancelled: { false }, progress: { _, _, _ in })
    }

    @discardableResult
    func forget(_ key: Int64, of views: [FeatureView] = [Fixtures.view()]) throws -> UInt64 {
        try ingestor.forget(
            EntityKey([.int64(key)]),
            of: views[0].entity,
            views: views,
            requestID: Fixtures.requestID()
        )
    }

    /// The directory as a crash would leave it at this moment, opened by another process.
    func crashed(
        _ views: [FeatureView]? = nil,
        background: BackgroundWork = .none
    ) throws
        -> IngestFixture
    {
        var copy: TemporaryDirectory?
        for _ in 0..<20 where copy == nil { copy = try? copied() }
        let next = try #require(copy)
        return try IngestFixture(
            views ?? Array(catalog.snapshot.projects.values.flatMap(\.views.values)),
            in: next,
            now: clock.now.microseconds,
            background: background
        )
    }

    /// Throws where RocksDB deletes a file meanwhile.
    ///
    /// What it names first is copied first, so that a
    /// copy that comes to its end is whole.
    private func copied() throws -> TemporaryDirectory {
        let next = try TemporaryDirectory()
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: next.file("online"),
            withIntermediateDirectories: true
        )
        try manager.copyItem(
            atPath: directory.file("online/CURRENT"),
            toPath: next.file("online/CURRENT")
        )
        for name in try manager.contentsOfDirectory(atPath: directory.file("online"))
        where name != "CURRENT" {
            try manager.copyItem(
                atPath: directory.file("online/" + name),
                toPath: next.file("online/" + name)
            )
        }
        for name in try manager.contentsOfDirectory(atPath: directory.path) where name != "online" {
            try manager.copyItem(atPath: directory.file(name), toPath: next.file(name))
        }
        return next
    }

    /// Retractions whose winners are not all restored.
    func pendingRetractions() throws -> Int {
        var count = 0
        try database.scan(.meta, from: Array("retracted/".utf8), to: Array("retracted0".utf8)) {
            _,
            _ in
            count += 1
            return true
        }
        return count
    }

    /// Waits until history has followed and the work in the background is done.
    func waitForBackground(isIdle: Bool = true) throws {
        try settle()
        guard isIdle else { return }
        #expect(ingestor.maintenance.waitUntilIdle(deadline: .now + .seconds(30)))
        #expect(ingestor.backgroundFailure == nil)
    }
}
