import Glibc
import Synchronization

/// How many databases of the process are open.
///
/// A process that returns from `main` destroys RocksDB's globals while other threads may still be
/// closing a database, which aborts it; so it waits for them a little.
enum OpenDatabases {
    private static let count = Atomic<Int>(0)
    private static let pauseMicroseconds: UInt32 = 2_000
    private static let mostPauses = 1_000

    /// Handlers run in the reverse order of their registration: before RocksDB's own, which was
    /// loaded before.
    private static let waitsAtExit: Void = {
        atexit {
            var pauses = 0
            while count.load(ordering: .acquiring) > 0, pauses < mostPauses {
                usleep(pauseMicroseconds)
                pauses += 1
            }
        }
    }()

    static func opened() {
        waitsAtExit
        count.add(1, ordering: .acquiringAndReleasing)
    }

    static func closed() { count.subtract(1, ordering: .acquiringAndReleasing) }
}
