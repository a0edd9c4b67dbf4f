import Domain
import Glibc

/// How much memory this process may use.
enum UsableMemory {
    /// What the machine has, or less where a control group allows less.
    static var byteCount: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let machine = max(0, pages) * sysconf(Int32(_SC_PAGESIZE))
        return controlGroupFiles.compactMap { limit(in: $0) }.reduce(machine) { min($0, $1) }
    }

    /// A quarter, for the row cache: RocksDB, SQLite and training sets need theirs.
    static var cacheShare: Int { byteCount / 4 }

    /// Where the limits of this process's groups stand, in both versions of control groups, from its
    /// own group up.
    private static var controlGroupFiles: [String] {
        let root = "/sys/fs/cgroup"
        var files = [root + "/memory/memory.limit_in_bytes"]
        let lines = text(of: "/proc/self/cgroup")?.split(separator: "\n") ?? []
        let own = lines.first { $0.hasPrefix("0::") }?.dropFirst(3) ?? "/"
        var parts = own.split(separator: "/")
        while true {
            files.append(([root[...]] + parts + ["memory.max"]).joined(separator: "/"))
            guard !parts.isEmpty else { return files }
            parts.removeLast()
        }
    }

    /// Nil where there is none, or no such file.
    private static func limit(in file: String) -> Int? {
        text(of: file).flatMap { Int($0.prefix { $0.isNumber }) }
    }

    private static func text(of file: String) -> String? {
        guard let stream = unsafe fopen(file, "r") else { return nil }
        defer { unsafe fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

extension ServerLimits {
    /// At most a quarter of the memory, however small a part of the machine that is.
    var usableBufferedBytes: Int {
        min(bufferedBytes, max(Limits.frameBytes, UsableMemory.byteCount / 4))
    }

    var usableWorkingBytes: Int {
        workingBytes > 0 ? workingBytes : max(Limits.frameBytes, UsableMemory.byteCount / 2)
    }
}
