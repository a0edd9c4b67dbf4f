import Glibc

/// Zeroed memory that is taken from the system as it is touched.
@safe struct MappedMemory: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let byteCount: Int

    static let page = 4_096
    /// Memory for random reads is worth large pages from here on.
    static let largePage = 2 << 20

    /// `large` asks for pages of 2 MiB, where the system gives them to who asks.
    init(byteCount: Int, large: Bool) {
        let size = (max(1, byteCount) + Self.largePage - 1) & ~(Self.largePage - 1)
        let whole = unsafe mmap(
            nil,
            size + Self.largePage,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            -1,
            0
        )
        guard let whole = unsafe whole, unsafe whole != MAP_FAILED else {
            preconditionFailure("\(size) bytes of address space could not be reserved")
        }
        // What lies before and behind the aligned part is given back.
        let address = Int(bitPattern: whole)
        let aligned = (address + Self.largePage - 1) & ~(Self.largePage - 1)
        let before = aligned - address
        if before > 0 { unsafe munmap(whole, before) }
        if before < Self.largePage { unsafe munmap(whole + before + size, Self.largePage - before) }
        unsafe start = unsafe whole + before
        self.byteCount = size
        if large { unsafe madvise(start, size, MADV_HUGEPAGE) }
    }

    func unmap() { unsafe munmap(start, byteCount) }

    /// Gives pages back; they are zero when they are touched again.
    static func release(_ start: UnsafeMutableRawPointer, _ byteCount: Int) {
        unsafe madvise(start, byteCount, MADV_DONTNEED)
    }
}
