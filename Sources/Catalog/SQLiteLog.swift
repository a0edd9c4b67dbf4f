package import Domain
import GRDB

/// What SQLite says of its files beside the errors of calls: it moves its log of writes into the file
/// behind commits, and nobody is told where that fails.
package enum SQLiteLog {
    /// Ends all writing when a sync fails, of any SQLite file of the process; `health` is that of the file
    /// that the message names, nil where nothing hangs on it.
    ///
    /// Once, before any is opened: https://www.sqlite.org/errlog.html
    package static func watch(_ health: @escaping @Sendable (_ message: String) -> StorageHealth?) {
        unsafe Database.logError = { code, message in
            switch code {
            case .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC, .SQLITE_IOERR_TRUNCATE:
                health(message)?.fail(AlulaError(.internal, "SQLite: \(code): \(message)"))
            default: break
            }
        }
    }
}
