package import Domain

/// What a backup is: every file of the data directory at one position, and what that position was.
package struct Manifest: Sendable, Hashable, Codable {
    /// A file of the data directory.
    package struct File: Sendable, Hashable, Codable {
        /// Within the data directory.
        package var path: String
        package var bytes: UInt64
        /// Of the whole file.
        package var sha256: String
        /// The objects that make it up, in their order; empty where it is one object, of its own digest.
        package var chunks: [String]

        /// Digests of what it is made of, in their order.
        var objects: [String] { chunks.isEmpty ? [sha256] : chunks }
    }

    package enum AuditKeyPlace: String, Sendable, Hashable, Codable {
        case inside
        case outside
    }

    /// Of this form of manifests.
    package var manifest: Int
    package var name: String
    /// The Alula that made it.
    package var product: String
    /// The form of the data directory.
    package var dataFormat: Int
    /// Tells directories apart.
    package var directory: String
    package var takenMicroseconds: Int64
    /// The newest log entry, when it was recorded, and how far history had followed.
    package var logEntry: UInt64
    package var recordedMicroseconds: Int64
    package var appliedEntry: UInt64
    /// `NUMBER:HASH` of the newest entry of the audit log.
    package var auditHead: String
    package var auditKey: AuditKeyPlace
    /// The id of the call that made it, in hexadecimal digits: a repeat of the call finds it by this.
    package var request: String
    /// For how long writes were held up.
    package var pausedMicroseconds: Int64
    /// What earlier backups did not have.
    package var newBytes: UInt64
    /// Keys forgotten up to this position.
    package var deletions: [Deletion]
    package var files: [File]

    static let version = 1

    package init(
        name: String,
        product: String,
        dataFormat: Int,
        directory: String,
        takenMicroseconds: Int64,
        logEntry: UInt64,
        recordedMicroseconds: Int64,
        appliedEntry: UInt64,
        auditHead: String,
        auditKey: AuditKeyPlace,
        request: String,
        pausedMicroseconds: Int64,
        newBytes: UInt64,
        deletions: [Deletion],
        files: [File]
    ) {
        manifest = Self.version
        self.name = name
        self.product = product
        self.dataFormat = dataFormat
        self.directory = directory
        self.takenMicroseconds = takenMicroseconds
        self.logEntry = logEntry
        self.recordedMicroseconds = recordedMicroseconds
        self.appliedEntry = appliedEntry
        self.auditHead = auditHead
        self.auditKey = auditKey
        self.request = request
        self.pausedMicroseconds = pausedMicroseconds
        self.newBytes = newBytes
        self.deletions = deletions
        self.files = files
    }

    package var taken: Timestamp { Timestamp(microseconds: takenMicroseconds) }
    package var recorded: Timestamp { Timestamp(microseconds: recordedMicroseconds) }
    package var bytes: UInt64 { files.reduce(0) { $0 + $1.bytes } }

    /// Throws where a file would lie elsewhere than in the data directory, or an object has no digest.
    func check(_ path: String) throws(AlulaError) {
        guard manifest <= Self.version else {
            throw .refused(
                "\(path) was written by a newer Alula (\(product))",
                help: "restore it with that version or a newer one"
            )
        }
        var seen: Set<String> = []
        for file in files {
            let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
            let isInside = parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && !part.utf8.contains(0)
            }
            guard isInside, !parts.isEmpty, seen.insert(file.path).inserted else {
                throw .corrupt("\(path) names a file that no data directory has")
            }
            for object in file.objects { _ = try ContentDigest(hex: object) }
        }
    }
}

/// A key that was forgotten: what remains of it.
package struct Deletion: Sendable, Hashable, Codable {
    package var logEntry: UInt64
    package var recordedMicroseconds: Int64
    package var entity: UInt32
    /// A hash under the directory's secret, in hexadecimal digits.
    package var keyHash: String

    package init(logEntry: UInt64, recordedMicroseconds: Int64, entity: UInt32, keyHash: String) {
        self.logEntry = logEntry
        self.recordedMicroseconds = recordedMicroseconds
        self.entity = entity
        self.keyHash = keyHash
    }
}
