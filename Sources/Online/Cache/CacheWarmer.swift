import Codec
import Domain
import Foundation
import RocksDB
import Synchronization

/// Fills the row cache of a store that was just opened from RocksDB, behind everything else.
///
/// It reads row by row in key order, works a fifth of the time at most, and ends with the rows, or
/// when there is no room to spare: nothing that reads have brought in goes for it. Rows that cannot
/// be read are left to who asks for them.
package final class CacheWarmer: @unchecked Sendable {
    private let store: OnlineStore
    /// Guards what follows it.
    private let condition = NSCondition()
    private var isStopping = false
    private var isRunning = false
    private var taken = 0

    private static let rowsAtOnce = 1_024
    private static let bytesAtOnce = 1 << 20
    /// How much longer it rests than it works.
    private static let restShare = 4.0

    package init(_ store: OnlineStore) { self.store = store }

    /// Begins on a thread of its own; does nothing where the cache is off.
    package func start() {
        guard store.cache.isOn else { return }
        condition.withLock { isRunning = true }
        // What the body holds is let go before the thread ends: Foundation would do it among the
        // thread's last destructors, where RocksDB has freed what it keeps for the thread.
        let work = Mutex<CacheWarmer?>(self)
        let thread = Thread {
            let warmer = work.withLock { work in
                defer { work = nil }
                return work
            }
            warmer?.run()
        }
        thread.name = "alula cache warmer"
        thread.start()
    }

    /// Ends it, and waits until it has ended.
    package func stop() {
        condition.lock()
        defer { condition.unlock() }
        isStopping = true
        condition.broadcast()
        while isRunning { condition.wait() }
    }

    /// Waits until it has ended by itself; answers how many rows it has handed to the cache.
    package func wait() -> Int {
        condition.lock()
        defer { condition.unlock() }
        while isRunning { condition.wait() }
        return taken
    }

    private func run() {
        var after: [UInt8]? = []
        var arena = RowArena()
        while let position = after {
            let began = ContinuousClock.now
            after = step(behind: position, &arena)
            let worked = began.duration(to: .now) / .seconds(1)
            guard after != nil, rest(worked * Self.restShare) else { break }
        }
        condition.lock()
        isRunning = false
        condition.broadcast()
        condition.unlock()
    }

    /// Rests for some seconds; false where it is to stop.
    private func rest(_ seconds: Double) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isStopping {
            guard condition.wait(until: end) else { break }
        }
        return !isStopping
    }

    /// Takes the next rows in; answers where to go on, nil at the end.
    private func step(behind position: [UInt8], _ arena: inout RowArena) -> [UInt8]? {
        var keys: [UInt8] = []
        var rows: [(keyEnd: Int, place: Int32, size: Int)] = []
        var last: [UInt8]?
        arena.removeAll()
        let ticket = store.cache.ticket()
        do throws(AlulaError) {
            let from = position.isEmpty ? [] : position + [0]
            try store.database.scanSpans(.rows, from: from) { key, row in
                last = key
                guard OnlineKey.parts(key) != nil, Self.isSound(row) else { return true }
                keys += key
                unsafe row.withUnsafeBytes { bytes in
                    unsafe rows.append((keys.count, arena.append(bytes), bytes.count))
                }
                return rows.count < Self.rowsAtOnce && arena.count < Self.bytesAtOnce
            }
        } catch {
            return nil
        }
        condition.withLock { taken += rows.count }
        guard fill(keys, rows, &arena, ticket) else { return nil }
        let isWhole = rows.count < Self.rowsAtOnce && arena.count < Self.bytesAtOnce
        return isWhole ? nil : last
    }

    private func fill(
        _ keys: [UInt8],
        _ rows: [(keyEnd: Int, place: Int32, size: Int)],
        _ arena: inout RowArena,
        _ ticket: RowCache.FillTicket
    ) -> Bool {
        unsafe keys.withUnsafeBytes { bytes in
            var fills: [RowCache.Fill] = []
            fills.reserveCapacity(rows.count)
            var start = 0
            for row in rows {
                let end = row.keyEnd - OnlineKey.viewBytes
                let view = unsafe UInt32(
                    bigEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self)
                )
                let prefix = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                let fill = unsafe RowCache.Fill(
                    view: FeatureViewID(view),
                    key: prefix,
                    hash: store.cache.hash(prefix),
                    place: row.place,
                    size: Int32(row.size)
                )
                fills.append(fill)
                start = row.keyEnd
            }
            return store.cache.fillSpare(&fills, in: &arena, ticket: ticket)
        }
    }

    private static func isSound(_ row: RawSpan) -> Bool {
        do throws(AlulaError) {
            _ = try RowCodec.header(row)
            return true
        } catch {
            return false
        }
    }
}
