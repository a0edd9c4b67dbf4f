import Synchronization

/// Which segments somebody may still read.
///
/// A map of segments keeps those that it names: their blocks stay until the map is gone, even where
/// a merge has replaced them. A read that may yet make a map counts as one of all segments that
/// were there when it began.
final class SegmentPins: Sendable {
    private struct State {
        /// Swaps so far: a merge's segments for those that it has read.
        var swaps: UInt64 = 0
        /// For each read that runs: the swaps before it began, and how many reads they are.
        var reads: [UInt64: Int] = [:]
        /// By segment: the maps that name it, each with the swaps before the oldest read that ran
        /// when it was made.
        var maps: [Int64: [UInt64: Int]] = [:]
        /// Segments out of history, and the swap that took them out; none: before the start.
        var replaced: [Int64: UInt64] = [:]
        /// For each segment that holds what was cut out of others: those others.
        ///
        /// Maps that are older than the swap may read it.
        var origins: [Int64: [Int64]] = [:]

        func isRead(_ segment: Int64) -> Bool {
            let swap = replaced[segment] ?? 0
            if let oldestRead = reads.keys.min(), oldestRead < swap { return true }
            if maps[segment] != nil { return true }
            return (origins[segment] ?? []).contains { origin in
                maps[origin]?.keys.contains { $0 < swap } ?? false
            }
        }
    }

    private let state = Mutex(State())

    /// Runs a read; no segment goes that it may have seen.
    func reading<T>(_ body: () throws -> T) rethrows -> T {
        let swaps = state.withLock { state in
            state.reads[state.swaps, default: 0] += 1
            return state.swaps
        }
        defer {
            state.withLock { state in
                let left = (state.reads[swaps] ?? 1) - 1
                state.reads[swaps] = left > 0 ? left : nil
            }
        }
        return try body()
    }

    /// Keeps segments that the present read has seen, until what is answered is gone.
    func pin(_ segments: [Int64]) -> SegmentPin {
        let swaps = state.withLock { state in
            let swaps = state.reads.keys.min() ?? state.swaps
            for segment in segments { state.maps[segment, default: [:]][swaps, default: 0] += 1 }
            return swaps
        }
        return SegmentPin(segments, swaps, of: self)
    }

    /// Within the transaction that cuts rows out of segments: what is cut out stands in `segment`
    /// from its commit on, which `replaced` notes; or `forget`, where it fails.
    func holdCuttings(_ segment: Int64, of origins: [Int64]) {
        state.withLock { state in
            state.replaced[segment] = .max
            state.origins[segment] = origins
        }
    }

    /// The transaction that took the segment out of history has been committed.
    func replaced(_ segment: Int64) {
        state.withLock { state in
            state.swaps += 1
            state.replaced[segment] = state.swaps
        }
    }

    /// Runs the transaction that takes these segments out of history.
    func replacing<T, E: Error>(_ segments: [Int64], _ body: () throws(E) -> T) throws(E) -> T {
        guard !segments.isEmpty else { return try body() }
        // Until it is committed, reads begin that still see them.
        state.withLock { state in
            for segment in segments { state.replaced[segment] = .max }
        }
        do {
            let result = try body()
            state.withLock { state in
                state.swaps += 1
                for segment in segments { state.replaced[segment] = state.swaps }
            }
            return result
        } catch {
            forget(segments)
            throw error
        }
    }

    /// Those segments out of history that nobody reads, and nobody will.
    func unread(of segments: [Int64]) -> [Int64] {
        state.withLock { state in segments.filter { !state.isRead($0) } }
    }

    /// The segments are gone, or not out of history.
    func forget(_ segments: [Int64]) {
        state.withLock { state in
            for segment in segments {
                state.replaced[segment] = nil
                state.origins[segment] = nil
            }
        }
    }

    fileprivate func unpin(_ segments: [Int64], _ swaps: UInt64) {
        state.withLock { state in
            for segment in segments {
                guard var maps = state.maps[segment] else { continue }
                let left = (maps[swaps] ?? 1) - 1
                maps[swaps] = left > 0 ? left : nil
                state.maps[segment] = maps.isEmpty ? nil : maps
            }
        }
    }
}

/// Keeps segments readable while it lives.
final class SegmentPin: Sendable {
    private let segments: [Int64]
    private let swaps: UInt64
    private let pins: SegmentPins

    fileprivate init(_ segments: [Int64], _ swaps: UInt64, of pins: SegmentPins) {
        self.segments = segments
        self.swaps = swaps
        self.pins = pins
    }

    deinit { pins.unpin(segments, swaps) }
}
