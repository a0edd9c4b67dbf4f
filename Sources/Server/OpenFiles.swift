import Glibc

/// How many files and sockets this process may have open.
enum OpenFiles {
    /// Raises the limit to what the system lets it be raised to: the usual 1,024 are fewer than the
    /// connections of one server, and a store that cannot open a file takes no more writes.
    static func allowAsManyAsPossible() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
            limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
