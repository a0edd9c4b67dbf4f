import Glibc

/// Memory for many values, all zero; from a few megabytes on in huge pages, which cost a fraction of
/// the page faults and of the misses of the processor's address cache.
struct LargeMemory {
    let start: UnsafeMutableRawPointer
    private let byteCount: Int

    private static let largeFrom = 2 << 20

    init(byteCount: Int) {
        self.byteCount = max(1, byteCount)
        guard byteCount >= Self.largeFrom else {
            start = calloc(self.byteCount, 1)
            return
        }
        let protection = PROT_READ | PROT_WRITE
        guard let mapped = mmap(nil, byteCount, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapped != MAP_FAILED
        else { fatalError("there is no memory for \(byteCount) bytes") }
        _ = madvise(mapped, byteCount, MADV_HUGEPAGE)  // Where there are none, small ones do.
        start = mapped
    }

    func deallocate() {
        if byteCount >= Self.largeFrom {
            munmap(start, byteCount)
        } else {
            free(start)
        }
    }
}
