import Glibc

/// Nanoseconds of this machine's steady clock, and of processor time.
enum Clock {
    @inline(__always)
    static func now() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// Of the calling thread.
    static func processor() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    /// Microseconds since 1970.
    static func microsecondsSince1970() -> Int64 { Int64(read(CLOCK_REALTIME) / 1_000) }

    /// Of the calling thread.
    ///
    /// Without this the kernel may end a wait 50 microseconds late, to save power.
    static func makeTimersExact() {
        var target = [CChar](repeating: 0, count: 64)
        let length = readlink("/proc/thread-self", &target, target.count - 1)
        guard length > 0 else { return }
        let path = target.prefix(length).map { UInt8(bitPattern: $0) }
        guard let last = path.split(separator: UInt8(ascii: "/")).last else { return }
        let file = open("/proc/\(String(decoding: last, as: UTF8.self))/timerslack_ns", O_WRONLY)
        guard file >= 0 else { return }
        _ = write(file, "1", 1)
        close(file)
    }

    @inline(__always)
    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
