import Glibc
import Synchronization

/// A lock that costs a reader nothing that it shares: each lane has its own, on its own cache lines,
/// and who changes what readers see takes all of them for a moment.
///
/// A reader lets one that waits for all lanes in before it takes its lane again.
@safe struct ReaderLanes: @unchecked Sendable {
    /// What a lane has answered; guarded by its lock.
    struct Counters {
        var hits: UInt64 = 0
        var absentHits: UInt64 = 0
        var misses: UInt64 = 0
    }

    /// Keys that a lane has notes for.
    static let notes = 64

    let count: Int
    /// Whether somebody waits for all lanes; in a cache line of its own.
    private let isWaiting: UnsafeMutablePointer<Atomic<Bool>>
    /// Held by who waits for all lanes and has them.
    private let turn: ThreadLock
    private let memory: UnsafeMutableRawPointer

    private static let line = 128
    private static let countersOffset = 64
    private static let laneBytes = line + notes * 16

    init(count: Int) {
        self.count = count
        unsafe memory = .allocate(
            byteCount: Self.line + count * Self.laneBytes,
            alignment: Self.line
        )
        unsafe isWaiting = unsafe memory.bindMemory(to: Atomic<Bool>.self, capacity: 1)
        unsafe isWaiting.initialize(to: Atomic(false))
        turn = ThreadLock()
        for lane in 0..<count {
            unsafe ThreadLock.make(at: start(lane))
            unsafe counters(lane).initialize(to: Counters())
        }
    }

    static func byteCount(_ lanes: Int) -> Int { line + lanes * laneBytes }

    func destroy() {
        for lane in 0..<count { unsafe ThreadLock(at: start(lane)).unmake() }
        turn.destroy()
        unsafe memory.deallocate()
    }

    @inline(__always)
    func lock(_ lane: Int) {
        if unsafe isWaiting.pointee.load(ordering: .relaxed) {
            turn.lock()
            turn.unlock()
        }
        unsafe ThreadLock(at: start(lane)).lock()
    }

    @inline(__always)
    func unlock(_ lane: Int) { unsafe ThreadLock(at: start(lane)).unlock() }

    func lockAll() {
        turn.lock()
        unsafe isWaiting.pointee.store(true, ordering: .relaxed)
        for lane in 0..<count { unsafe ThreadLock(at: start(lane)).lock() }
    }

    func unlockAll() {
        for lane in 0..<count { unsafe ThreadLock(at: start(lane)).unlock() }
        unsafe isWaiting.pointee.store(false, ordering: .relaxed)
        turn.unlock()
    }

    @inline(__always)
    private func counters(_ lane: Int) -> UnsafeMutablePointer<Counters> {
        unsafe (start(lane) + Self.countersOffset).assumingMemoryBound(to: Counters.self)
    }

    /// Adds to what the lane, which the caller has, answered.
    @inline(__always)
    func count(_ more: Counters, in lane: Int) {
        let counters = unsafe counters(lane)
        unsafe counters.pointee.hits &+= more.hits
        unsafe counters.pointee.absentHits &+= more.absentHits
        unsafe counters.pointee.misses &+= more.misses
    }

    /// Two words for each of `notes` keys, for whoever has the lane.
    @inline(__always)
    func notes(_ lane: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe (start(lane) + Self.line).assumingMemoryBound(to: UInt64.self)
    }

    /// The counters of all lanes together.
    func sum() -> Counters {
        var sum = Counters()
        for lane in 0..<count {
            lock(lane)
            let counters = unsafe counters(lane).pointee
            unlock(lane)
            sum.hits += counters.hits
            sum.absentHits += counters.absentHits
            sum.misses += counters.misses
        }
        return sum
    }

    @inline(__always)
    private func start(_ lane: Int) -> UnsafeMutableRawPointer {
        unsafe memory + (Self.line + lane * Self.laneBytes)
    }
}

/// A mutex in memory of the owner's choice, which spins a moment before it sleeps.
@safe struct ThreadLock: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// One in memory of its own, until `destroy`.
    init() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        unsafe Self.make(at: memory)
        unsafe self.init(at: memory)
    }

    @inline(__always)
    init(at memory: UnsafeMutableRawPointer) {
        unsafe mutex = unsafe memory.assumingMemoryBound(to: pthread_mutex_t.self)
    }

    static func make(at memory: UnsafeMutableRawPointer) {
        let mutex = unsafe memory.bindMemory(to: pthread_mutex_t.self, capacity: 1)
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        let result = unsafe pthread_mutex_init(mutex, &attributes)
        precondition(result == 0, "a mutex could not be made: error \(result)")
        unsafe pthread_mutexattr_destroy(&attributes)
    }

    func unmake() { unsafe pthread_mutex_destroy(mutex) }

    func destroy() {
        unmake()
        unsafe UnsafeMutableRawPointer(mutex).deallocate()
    }

    @inline(__always)
    func lock() { unsafe pthread_mutex_lock(mutex) }

    @inline(__always)
    func unlock() { unsafe pthread_mutex_unlock(mutex) }
}
