import Backup
import Domain
import Foundation
import Synchronization

/// When each backup was taken: a manifest is read once, as it may be long.
final class BackupTimes: Sendable {
    private let directory: BackupDirectory
    private let known = Mutex<[String: Timestamp]>([:])
    /// Whoever looks at the disk of the backups, which may be away and not answer.
    private let looking = NSLock()

    init(of directory: BackupDirectory) {
        self.directory = directory
    }

    /// Of all backups that can be read; what was known last while somebody else looks.
    func all() throws(AlulaError) -> [Timestamp] {
        guard looking.try() else { return known.withLock { Array($0.values) } }
        defer { looking.unlock() }
        var times = known.withLock { $0 }
        let names = Set(try directory.names())
        times = times.filter { names.contains($0.key) }
        for name in names where times[name] == nil {
            // One whose manifest is damaged is none: alula backups shows it.
            guard let manifest = try? directory.manifest(name) else { continue }
            times[name] = manifest.taken
        }
        known.withLock { $0 = times }
        return Array(times.values)
    }
}
