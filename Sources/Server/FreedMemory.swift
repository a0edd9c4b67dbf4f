import Dispatch
import Glibc
import Synchronization

/// Memory that a large answer took and has freed.
enum FreedMemory {
    /// Answers of at least so many rows are worth the milliseconds.
    static let rows = 50_000

    /// Gives it back to the system a little later; the allocator would keep it, once for every thread that has
    /// worked on such an answer.
    static func giveBack(after rows: Int) {
        guard rows >= Self.rows else { return }
        let mine = requests.wrappingAdd(1, ordering: .relaxed).newValue
        DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + pause) {
            guard requests.load(ordering: .relaxed) == mine else { return }
            _ = trim?(0)
        }
    }

    /// Whoever works on at once takes the same memory again.
    private static let pause = DispatchTimeInterval.seconds(2)
    private static let requests = Atomic<UInt64>(0)

    /// Lets threads share their heaps: with one for each of many threads, what one has freed is of
    /// no use to the others.
    ///
    /// To be called before there are threads.
    static func shareHeaps() {
        guard let function = unsafe dlsym(nil, "mallopt") else { return }
        let set = unsafe unsafeBitCast(function, to: (@convention(c) (Int32, Int32) -> Int32).self)
        _ = set(arenaMax, arenas)
    }

    /// `M_ARENA_MAX` of glibc.
    private static let arenaMax: Int32 = -8
    private static let arenas: Int32 = 4

    /// `malloc_trim` of glibc, which Swift does not import; nil where the C library has none.
    private static let trim: (@convention(c) (Int) -> Int32)? = {
        guard let function = unsafe dlsym(nil, "malloc_trim") else { return nil }
        return unsafe unsafeBitCast(function, to: (@convention(c) (Int) -> Int32).self)
    }()
}
