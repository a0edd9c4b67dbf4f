import Digest
import Disk
import Domain
import Glibc
import Registry

/// Where the key of the audit log lies: a file of 64 hexadecimal digits that only its owner reads.
struct AuditKeyFile: Sendable {
    let key: AuditKey
    /// Whether the key lies outside the data directory, so that who can write there cannot make the
    /// log anew.
    let isOutside: Bool

    /// Reads the named file, or the one in the directory; makes it where it is missing.
    init(path: String?, in directory: DataDirectory) throws(AlulaError) {
        let path = path ?? directory.auditKey
        isOutside = !Self.real(path).hasPrefix(Self.real(directory.path) + "/")
        if let text = try Self.read(path) {
            let digits = String(text.prefix { !$0.isWhitespace })
            guard let digest = try? ContentDigest(hex: digits) else {
                throw .refused(
                    "the audit key in \(path) cannot be read: expected 64 hexadecimal digits",
                    help: "put the key of the first start back"
                )
            }
            key = try AuditKey(secret: digest.bytes)
        } else {
            let secret = try RandomBytes.make(AuditKey.bytes)
            key = try AuditKey(secret: secret)
            try Self.write(hexadecimal(secret) + "\n", to: path)
        }
    }

    /// The path without links, as far as there are such files.
    private static func real(_ path: String) -> String {
        guard let found = unsafe realpath(path, nil) else {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count > 1 else { return real(".") + "/" + path }
            let parent = parts.dropLast().joined(separator: "/")
            return real(parent.isEmpty ? "/" : parent) + "/" + (parts.last ?? "")
        }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }

    /// Nil where there is no such file.
    private static func read(_ path: String) throws(AlulaError) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw unreadable(path)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { throw unreadable(path) }
        guard facts.st_mode & 0o077 == 0 else {
            throw .refused(
                "the audit key in \(path) may be read by others than its owner",
                help: "chmod 600 \(path)"
            )
        }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
        }
        guard count >= 0 else { throw unreadable(path) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// On disk before it is used: a log whose key is lost cannot be verified any more.
    private static func write(_ text: String, to path: String) throws(AlulaError) {
        do throws(AlulaError) {
            let file = try File.create(path)
            do throws(AlulaError) {
                try file.write(ArraySlice(text.utf8))
                try file.sync()
            } catch {
                try? Files.remove(path)
                throw error
            }
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            throw .refused("the audit key \(path) could not be made: \(error.message)")
        }
    }

    private static func unreadable(_ path: String) -> AlulaError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return .refused("the audit key \(path) could not be read: \(reason)")
    }
}
