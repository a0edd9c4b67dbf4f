package import Domain
import Foundation
import GRDB

/// What records say of artifacts: whatever one names stays.
extension RegistryStore {
    /// Every artifact that a record names, with what names it, for people; in the order of the names.
    package func namedArtifacts() throws(AlulaError) -> [(digest: ContentDigest, name: String)] {
        try read { tables in
            try tables.rows("\(Self.names) ORDER BY name", []).map {
                (try RegistryTables.digest($0["digest"]), $0["name"])
            }
        }
    }

    /// What names the artifact, for people: at most `limit` of them.
    package func holders(
        of digest: ContentDigest,
        limit: Int = 10
    ) throws(AlulaError) -> [String] {
        try read { tables in
            try tables.rows(
                "SELECT name FROM (\(Self.names)) WHERE digest = ? ORDER BY name LIMIT ?",
                [Data(digest.bytes), limit]
            ).map { $0["name"] }
        }
    }

    /// Every artifact that a record refers to; also those whose removal somebody else has begun.
    package func heldArtifacts() throws(AlulaError) -> Set<ContentDigest> {
        try read { tables in
            let rows = try tables.rows(
                "SELECT digest FROM (\(Self.names)) UNION SELECT digest FROM discarded_artifact",
                []
            )
            return Set(try rows.map { try RegistryTables.digest($0["digest"]) })
        }
    }

    /// Runs `body` while no write is under way.
    package func whileNothingIsWritten(_ body: () throws -> Void) throws(AlulaError) {
        try act { _ in try body() }
    }

    /// Notes an act on artifacts in the audit log, with its answer for a repeat.
    package func record(
        _ act: String,
        detail: [String: String],
        call: WriteCall,
        answer: [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try write(act, call: call) { tables in
            try tables.audit(act, "artifacts", detail.filter { !$0.value.isEmpty }, call)
            return answer
        }
    }

    /// Whether any record names the artifact.
    package func isNamed(_ digest: ContentDigest) throws(AlulaError) -> Bool {
        try !holders(of: digest, limit: 1).isEmpty
    }

    static let names = """
        SELECT spine_artifact AS digest, 'the spine of ' || id AS name FROM training_set
        WHERE deleted IS NULL
        UNION ALL
        SELECT digest, version_artifact.name || ' of ' || model.name || ' version ' || version
        FROM version_artifact JOIN model ON model.id = version_artifact.model
        UNION ALL
        SELECT digest, path || ' of directory ' || lower(hex(directory)) FROM directory_file
        UNION ALL
        SELECT digest, 'an ' || direction || ' of ' || run.id
        FROM run_item JOIN run ON run.number = run_item.run WHERE digest IS NOT NULL
        """

    /// Versions of models that were trained with any of these sets, such as `credit 2`.
    package func versions(
        trainedWith sets: [TrainingSetID]
    ) throws(AlulaError) -> [String] {
        try read { tables in
            var versions: [String] = []
            for set in sets {
                versions += try tables.rows(
                    """
                    SELECT model.name AS name, number FROM model_version
                    JOIN model ON model.id = model
                    WHERE training_set = ? AND deleted IS NULL ORDER BY name, number
                    """,
                    [set.text]
                ).map { "\($0["name"] as String) \($0["number"] as Int64)" }
            }
            return versions
        }
    }
}

extension RegistryStore {
    /// What a directory's manifest says; nil where the content is a file.
    package func directory(_ digest: ContentDigest) throws -> ArtifactDirectory? {
        guard ArtifactDirectory.isManifest(try artifacts.firstBytes(digest)) else { return nil }
        return try ArtifactDirectory(manifest: try artifacts.content(digest, Limits.manifestBytes))
    }

    /// Notes the files of a directory where the artifact is the manifest of one, so that they stay.
    ///
    /// Throws where one of them is not in the store.
    ///
    /// - Returns: whether it is a directory.
    @discardableResult
    func keepDirectory(_ digest: ContentDigest, _ tables: RegistryTables) throws -> Bool {
        let key = Data(digest.bytes)
        let known = try tables.row("SELECT 1 FROM directory_file WHERE directory = ?", [key])
        if known != nil { return true }
        guard let directory = try directory(digest) else { return false }
        for file in directory.files {
            guard try artifacts.hold(file.digest) == file.bytes else {
                throw AlulaError.refused(
                    "\"\(file.path)\" of the directory (\(file.digest), \(file.bytes) bytes) is not "
                        + "in the store",
                    help: "upload it first"
                )
            }
            try tables.execute(
                "INSERT INTO directory_file VALUES (?, ?, ?, ?)",
                [key, file.path, Data(file.digest.bytes), Int64(clamping: file.bytes)]
            )
        }
        return true
    }
}

extension RegistryTables {
    /// The files of a directory by path; none where it is no directory that a record names.
    package func files(of directory: ContentDigest) throws -> [ArtifactDirectory.File] {
        try rows(
            "SELECT path, digest, bytes FROM directory_file WHERE directory = ? ORDER BY path",
            [Data(directory.bytes)]
        ).map {
            ArtifactDirectory.File(
                path: $0["path"],
                digest: try Self.digest($0["digest"]),
                bytes: UInt64(clamping: $0["bytes"] as Int64)
            )
        }
    }
}
