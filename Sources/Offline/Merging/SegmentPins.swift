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
        /// By segment: the maps that name it.
        var maps: [Int64: Int] = [:]
        /// Segments out of history, and the swap that took them out; none: before the start.
        var replaced: [Int64: UInt64] = [:]
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
        state.withLock { state in
            for segment in segments { state.maps[segment, default: 0] += 1 }
        }
        return SegmentPin(segments, of: self)
    }

    /// Runs the transaction that takes these segments out of history.
    func replacing<T, E: Error>(_ segments: [Int64], _ body: () throws(E) -> T) throws(E) -> T {
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
        state.withLock { state in
            let oldestRead = state.reads.keys.min() ?? .max
            return segments.filter {
                state.maps[$0] == nil && (state.replaced[$0] ?? 0) <= oldestRead
            }
        }
    }

    /// The segments are gone, or not out of history.
    func forget(_ segments: [Int64]) {
        state.withLock { state in
            for segment in segments { state.replaced[segment] = nil }
        }
    }

    fileprivate func unpin(_ segments: [Int64]) {
        state.withLock { state in
            for segment in segments {
                let left = (state.maps[segment] ?? 1) - 1
                state.maps[segment] = left > 0 ? left : nil
            }
        }
    }
}

/// Keeps segments readable while it lives.
final class SegmentPin: Sendable {
    private let segments: [Int64]
    private let pins: SegmentPins

    fileprivate init(_ segments: [Int64], of pins: SegmentPins) {
        self.segments = segments
        self.pins = pins
    }

    deinit { pins.unpin(segments) }
}
