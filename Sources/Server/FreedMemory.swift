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
    /// Blocks of a frame's size come from them too, and stay: else each is memory that the system has
    /// to clear again. To be called before there are threads.
    static func shareHeaps() {
        // From a block of this size on that was freed, the allocator keeps smaller ones for the next.
        // https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD
        if let block = allocate?(kept) { unsafe free(block) }
        guard let function = unsafe dlsym(nil, "mallopt") else { return }
        let set = unsafe unsafeBitCast(function, to: (@convention(c) (Int32, Int32) -> Int32).self)
        _ = set(arenaMax, arenas)
    }

    private static let kept = 4 << 20
    /// `malloc`, in a way that no compiler leaves out.
    private static let allocate: (@convention(c) (Int) -> UnsafeMutableRawPointer?)? = {
        guard let function = unsafe dlsym(nil, "malloc") else { return nil }
        return unsafe unsafeBitCast(
            function,
            to: (@convention(c) (Int) -> UnsafeMutableRawPointer?).self
        )
    }()

    /// `M_ARENA_MAX` of glibc.
    private static let arenaMax: Int32 = -8
    private static let arenas: Int32 = 4

    /// `malloc_trim` of glibc, which Swift does not import; nil where the C library has none.
    private static let trim: (@convention(c) (Int) -> Int32)? = {
        guard let function = unsafe dlsym(nil, "malloc_trim") else { return nil }
        return unsafe unsafeBitCast(function, to: (@convention(c) (Int) -> Int32).self)
    }()
}
