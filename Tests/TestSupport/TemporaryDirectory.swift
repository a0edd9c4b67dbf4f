import Foundation

/// A directory of its own for one test, removed when the last reference is gone.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        path = NSTemporaryDirectory() + "alula-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // What cannot be removed is left to the system's own cleaning.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file or directory in it.
    package func file(_ name: String) -> String { path + "/" + name }

    /// Copies a directory in it as it stands, as a crash would leave it.
    package func copy(_ name: String, to other: String) throws {
        try FileManager.default.copyItem(atPath: file(name), toPath: file(other))
    }
}

extension TemporaryDirectory {
    /// Moves a file or directory into this one.
    package func take(_ path: String, as name: String) throws {
        try FileManager.default.moveItem(atPath: path, toPath: file(name))
    }
}
