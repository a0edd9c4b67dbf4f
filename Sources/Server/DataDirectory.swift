import Backup
import Disk
import Domain
import Glibc

/// The data directory and its lock: one server per directory, for as long as this value lives.
final class DataDirectory: Sendable {
    let path: String
    private let lock: LockFile

    var catalog: String { path + "/catalog.sqlite" }
    var offline: String { path + "/offline.sqlite" }
    var online: String { path + "/online" }
    var artifacts: String { path + "/artifacts" }
    /// Where the key of the audit log lies unless it was put elsewhere.
    var auditKey: String { path + "/audit.key" }

    /// What is in a directory for as long as it is not restored to its end.
    static let restoringFile = "RESTORING"

    enum Purpose {
        case serving
        /// The directory is made of a backup, and not whole yet.
        case restoring
    }

    /// Makes the directory if it is missing, locks it, and brings it to the present format.
    ///
    /// `told` gets a line for people before what takes long.
    init(
        path: String,
        purpose: Purpose = .serving,
        told: (String) -> Void = { _ in }
    ) throws(AlulaError) {
        self.path = path
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .refused("the data directory \(path) cannot be made: \(reason(errno))")
        }
        var isDirectory = stat()
        guard unsafe stat(path, &isDirectory) != 0 || isDirectory.st_mode & S_IFMT == S_IFDIR else {
            throw .refused("\(path) is not a directory", help: "give --data a directory")
        }
        // Also where it was there: whoever made it may have ended before this.
        try Self.sync(path + "/..")
        guard let lock = try LockFile.take(path + "/LOCK") else {
            throw .refused(
                "another server is running on the data directory \(path)",
                help: "stop it first, or start this one with another --data"
            )
        }
        self.lock = lock
        if purpose == .serving, try Files.exists(path + "/" + Self.restoringFile) {
            throw .refused(
                "\(path) was not restored to its end",
                help: "remove it, and restore the backup again"
            )
        }
        try DataFormat.current.prepare(path, told: told)
    }

    /// Puts the names in the directory on disk.
    func syncNames() throws(AlulaError) { try Self.sync(path) }

    private static func sync(_ path: String) throws(AlulaError) {
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            // Who may not look into the directory above has it made by somebody else.
            guard errno == EACCES else {
                throw .refused("the directory \(path) cannot be used: \(reason(errno))")
            }
            return
        }
        defer { close(directory) }
        guard fsync(directory) == 0 else {
            throw .refused("the directory \(path) could not be synced: \(reason(errno))")
        }
    }
}

private func reason(_ code: CInt) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
