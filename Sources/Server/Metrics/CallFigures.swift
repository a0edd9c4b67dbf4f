import NIOCore
import Synchronization
import Wire

/// Counts and times of calls, by operation.
///
/// Each event loop has a lane of its own, which only it writes: counting costs no lock, no
/// allocation and no shared cache line. Whoever sums the lanes reads each number as it was at some
/// moment.
final class CallFigures: Sendable {
    /// Bucket `k` counts what took at most `16 << k` microseconds; the last, what took longer.
    static let bucketCount = 24
    static func bound(_ bucket: Int) -> Int { 16 << bucket }

    /// One operation in one lane: the buckets, then the failures, then the microseconds in all.
    fileprivate static let cells = bucketCount + 2
    fileprivate static let failures = bucketCount
    fileprivate static let total = bucketCount + 1

    private let lanes = Mutex<[Lane]>([])
    /// Calls and connections that were refused for want of a token, a permission or a scope.
    let refusals = Atomic<UInt64>(0)

    /// A place for one event loop.
    func lane() -> Lane {
        lanes.withLock { lanes in
            lanes.append(Lane())
            return lanes[lanes.count - 1]
        }
    }

    /// What one operation did since the start.
    struct Sum: Sendable, Equatable {
        var buckets = [UInt64](repeating: 0, count: CallFigures.bucketCount)
        var failures: UInt64 = 0
        var microseconds: UInt64 = 0

        var count: UInt64 { buckets.reduce(0, +) }
    }

    func sum(of operation: Operation) -> Sum {
        lanes.withLock { $0 }.reduce(into: Sum()) { sum, lane in lane.add(operation, to: &sum) }
    }

    /// The figures of one event loop.
    // Only its event loop writes; every cell is an atomic, which is what makes it Sendable.
    @safe final class Lane: @unchecked Sendable {
        private let memory: UnsafeMutableBufferPointer<Atomic<UInt64>>

        fileprivate init() {
            let count = Operation.dense.count * CallFigures.cells
            unsafe memory = .allocate(capacity: count)
            for index in 0..<count {
                unsafe memory.initializeElement(at: index, to: Atomic(0))
            }
        }

        deinit {
            unsafe memory.deinitialize()
            unsafe memory.deallocate()
        }

        /// Counts a call that has been answered; only on the lane's event loop.
        func observe(_ operation: Operation, microseconds: Int, failed: Bool) {
            let base = operation.place * CallFigures.cells
            add(1, at: base + Self.bucket(microseconds))
            if failed { add(1, at: base + CallFigures.failures) }
            add(UInt64(max(0, microseconds)), at: base + CallFigures.total)
        }

        func observe(_ operation: Operation, since arrived: NIODeadline, failed: Bool) {
            let elapsed = (NIODeadline.now() - arrived).nanoseconds
            observe(operation, microseconds: Int(elapsed / 1_000), failed: failed)
        }

        /// Only one thread writes, so that a plain load and store will do.
        private func add(_ value: UInt64, at index: Int) {
            let present = unsafe memory[index].load(ordering: .relaxed)
            unsafe memory[index].store(present &+ value, ordering: .relaxed)
        }

        static func bucket(_ microseconds: Int) -> Int {
            guard microseconds > 16 else { return 0 }
            let bits = Int.bitWidth - (microseconds - 1).leadingZeroBitCount
            return min(bits - 4, CallFigures.bucketCount - 1)
        }

        fileprivate func add(_ operation: Operation, to sum: inout Sum) {
            let base = operation.place * CallFigures.cells
            for bucket in 0..<CallFigures.bucketCount {
                sum.buckets[bucket] += unsafe memory[base + bucket].load(ordering: .relaxed)
            }
            sum.failures += unsafe memory[base + CallFigures.failures].load(ordering: .relaxed)
            sum.microseconds += unsafe memory[base + CallFigures.total].load(ordering: .relaxed)
        }
    }
}

extension Operation {
    fileprivate static let dense = Array(Operation.allCases)

    /// For each number on the wire, its place among all operations.
    private static let places: [UInt8] = {
        let most = dense.map(\.rawValue).max() ?? 0
        var places = [UInt8](repeating: 0, count: Int(most) + 1)
        for (place, operation) in dense.enumerated() {
            places[Int(operation.rawValue)] = UInt8(place)
        }
        return places
    }()

    fileprivate var place: Int { Int(Self.places[Int(rawValue)]) }

    /// As it is written in metrics and logs: `makeTrainingSet` is `make_training_set`.
    var word: String {
        var word = ""
        for character in "\(self)" {
            if character.isUppercase { word += "_" }
            word += character.lowercased()
        }
        return word
    }
}
