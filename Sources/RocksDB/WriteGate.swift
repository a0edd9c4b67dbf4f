import Glibc

/// Lets any number of writers pass at once, or holds all of them up.
final class WriteGate: @unchecked Sendable {
    // A lock of the system: threads may use it as they please, and it stays where it is.
    private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_rwlockattr_t()
        pthread_rwlockattr_init(&attributes)
        // Else writers that overlap would keep the gate from ever closing.
        pthread_rwlockattr_setkind_np(
            &attributes,
            Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
        )
        let result = pthread_rwlock_init(lock, &attributes)
        precondition(result == 0, "a lock could not be made")
        pthread_rwlockattr_destroy(&attributes)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    func pass(_ body: () -> Void) {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        body()
    }

    /// Waits for who is passing, and holds up who comes.
    func close() { pthread_rwlock_wrlock(lock) }

    func open() { pthread_rwlock_unlock(lock) }
}
