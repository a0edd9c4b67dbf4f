/// The files of a directory that is kept as an artifact, by path: its manifest.
///
/// ```
/// alula-directory 1\n
/// SHA-256 in hexadecimal, blank, bytes, blank, path\n       by path, byte by byte
/// ```
/// So equal directories have equal manifests, and one digest. A path has no way out of the
/// directory: that is checked whenever a manifest is read, not only when one is made.
public struct ArtifactDirectory: Sendable, Hashable {
    public struct File: Sendable, Hashable {
        /// Names parted by `/`.
        public var path: String
        public var digest: ContentDigest
        public var bytes: UInt64

        public init(path: String, digest: ContentDigest, bytes: UInt64) {
            self.path = path
            self.digest = digest
            self.bytes = bytes
        }
    }

    /// By path; at least one.
    public let files: [File]

    /// The first bytes of every manifest.
    public static let mark = Array("alula-directory 1\n".utf8)

    public static func isManifest(_ firstBytes: some Sequence<UInt8>) -> Bool {
        firstBytes.starts(with: mark)
    }

    public init(_ files: [File]) throws(AlulaError) {
        self.files = files.sorted { Self.precedes($0.path, $1.path) }
        try check()
    }

    /// Reads a manifest; one that is not exactly as it would be written is refused.
    public init(manifest bytes: [UInt8]) throws(AlulaError) {
        guard Self.isManifest(bytes), bytes.count <= Limits.manifestBytes, bytes.last == 0x0A else {
            throw Self.wrong("it does not begin or end as one")
        }
        var files: [File] = []
        let lines = bytes[Self.mark.count...].split(
            separator: 0x0A,
            omittingEmptySubsequences: false
        )
        for line in lines.dropLast() {
            let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let path = String(validating: parts[2], as: UTF8.self),
                let size = UInt64(String(decoding: parts[1], as: UTF8.self))
            else { throw Self.wrong("line \(files.count + 2) is not DIGEST BYTES PATH") }
            let digest = try ContentDigest(hex: String(decoding: parts[0], as: UTF8.self))
            files.append(File(path: path, digest: digest, bytes: size))
            guard files.count <= Limits.directoryFiles else { break }
        }
        self.files = files
        try check()
        guard manifest == bytes else {
            throw Self.wrong("it is not written as it should be: files by path, no other signs")
        }
    }

    /// The bytes of the manifest.
    public var manifest: [UInt8] {
        var bytes = Self.mark
        for file in files {
            bytes += "\(file.digest) \(file.bytes) \(file.path)\n".utf8
        }
        return bytes
    }

    private func check() throws(AlulaError) {
        guard !files.isEmpty else { throw Self.wrong("it has no file") }
        guard files.count <= Limits.directoryFiles else {
            throw Self.wrong("it has more than \(Limits.directoryFiles) files")
        }
        var paths: Set<String> = []
        for file in files {
            guard Self.isSafe(file.path) else {
                throw Self.wrong(
                    "a path is of plain names parted by '/', without '.', '..', '\\' and control "
                        + "characters"
                )
            }
            guard paths.insert(file.path).inserted else {
                throw Self.wrong("\"\(file.path)\" is there twice")
            }
        }
        for (file, next) in zip(files, files.dropFirst()) {
            guard Self.precedes(file.path, next.path) else {
                throw Self.wrong("its files are not in the order of their paths")
            }
        }
        for file in files {
            var parent = Substring(file.path)
            while let slash = parent.lastIndex(of: "/") {
                parent = parent[..<slash]
                guard !paths.contains(String(parent)) else {
                    throw Self.wrong("\"\(parent)\" is a file and a directory")
                }
            }
        }
    }

    private static func isSafe(_ path: String) -> Bool {
        guard (1...Limits.pathBytes).contains(path.utf8.count) else { return false }
        let plain = path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0x5C }
        let names = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        return plain
            && names.allSatisfy { name in
                (1...255).contains(name.count) && !name.elementsEqual(".".utf8)
                    && !name.elementsEqual("..".utf8)
            }
    }

    /// By bytes, whatever the language says of letters.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func wrong(_ reason: String) -> AlulaError {
        .invalid("this is no manifest of a directory: \(reason)")
    }
}
