import Domain
import Testing

struct ArtifactDirectoryTests {
    private func file(_ path: String, _ byte: UInt8 = 1) throws -> ArtifactDirectory.File {
        let digest = try #require(ContentDigest(bytes: [UInt8](repeating: byte, count: 32)))
        return ArtifactDirectory.File(path: path, digest: digest, bytes: 5)
    }

    @Test
    func `a manifest is read as it was written, whatever the order of the files`() throws {
        let directory = try ArtifactDirectory([
            try file("b/c.bin", 2), try file("a"), try file("b/ä x"),
        ])
        #expect(directory.files.map(\.path) == ["a", "b/c.bin", "b/ä x"])
        #expect(try ArtifactDirectory(manifest: directory.manifest) == directory)
        #expect(ArtifactDirectory.isManifest(directory.manifest))
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", ".", "./a", "a//b", "a/", "a\\b",
        "a\nb", "a\0b", "\u{7f}", String(repeating: "a", count: 256),
        String(repeating: "aa/", count: 400) + "a",
    ])
    func `a path that leads anywhere else is refused`(path: String) throws {
        let bad = try file(path)
        #expect(throws: AlulaError.self) { try ArtifactDirectory([bad]) }
        let line = "\(bad.digest) 5 \(path)\n"
        let manifest = ArtifactDirectory.mark + Array(line.utf8)
        #expect(throws: AlulaError.self) { try ArtifactDirectory(manifest: manifest) }
    }

    @Test(arguments: [["a", "a"], ["a", "a/b"], ["a/b", "a/b/c/d"], []])
    func `files that cannot stand beside each other are refused`(paths: [String]) throws {
        let files = try paths.map { try file($0) }
        #expect(throws: AlulaError.self) { try ArtifactDirectory(files) }
    }

    @Test
    func `a manifest that is written in any other way is refused`() throws {
        let good = try ArtifactDirectory([try file("a"), try file("b")]).manifest
        let text = String(decoding: good, as: UTF8.self)
        let others = [
            text + "\n", String(text.dropLast()), text.replacing(" 5 ", with: " 05 "),
            text.replacing(" 5 ", with: "  5 "), text.replacing("directory 1", with: "directory 2"),
            text.replacing("0101", with: "01AB"),
        ]
        for other in others where other != text {
            #expect(throws: AlulaError.self) { try ArtifactDirectory(manifest: Array(other.utf8)) }
        }
    }
}
