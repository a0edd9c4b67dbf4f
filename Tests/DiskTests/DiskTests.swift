import Domain
import Foundation
import TestSupport
import Testing

@testable import Disk

struct FileTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    @Test func `what is written in pieces is read from any place on`() throws {
        let path = folder.file("a")
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        let file = try File.create(path)
        for start in stride(from: 0, to: bytes.count, by: 30_000) {
            try file.write(bytes[start..<min(start + 30_000, bytes.count)])
        }
        try file.sync()
        let found = try #require(try File.open(path))
        #expect(try found.read(upTo: 1 << 20) == bytes)
        #expect(try found.read(upTo: 10, at: 99_995) == Array(bytes.suffix(5)))
        #expect(try found.read(upTo: 10, at: 100_000).isEmpty)
    }

    @Test func `a name that is taken is not written over, nor a link followed`() throws {
        let path = folder.file("a")
        try Files.replace(path, with: [1, 2, 3])
        #expect(throws: AlulaError.self) { try File.create(path) }
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"),
            withDestinationPath: path
        )
        #expect(throws: AlulaError.self) { try File.create(folder.file("link")) }
        #expect(throws: AlulaError.self) { try File.open(folder.file("link")) }
        #expect(try Files.contents(path, limit: 3) == [1, 2, 3])
        #expect(try File.open(folder.file("nothing")) == nil)
    }

    @Test func `a file is replaced whole, and only who made it may read it`() throws {
        let path = folder.file("a")
        for bytes in [[UInt8](repeating: 7, count: 3 << 20), [], [9]] {
            try Files.replace(path, with: bytes)
            #expect(try Files.contents(path, limit: 4 << 20) == bytes)
        }
        #expect(try Files.names(in: folder.file("")) == ["a"])
        let rights = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(rights as? Int == 0o600)
        #expect(throws: AlulaError.self) {
            try Files.replace(folder.file("no/a"), with: [1])
        }
    }

    @Test func `a file beyond its limit is not read`() throws {
        try Files.replace(folder.file("a"), with: [1, 2, 3])
        #expect(try Files.contents(folder.file("a"), limit: 3) == [1, 2, 3])
        #expect(throws: AlulaError.self) { try Files.contents(folder.file("a"), limit: 2) }
        #expect(try Files.contents(folder.file("b"), limit: 2) == nil)
    }
}

struct FilesTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    @Test func `what is looked at is a file, a directory or nothing`() throws {
        let (file, directory, link) = (folder.file("f"), folder.file("d"), folder.file("l"))
        try Files.replace(file, with: [1, 2])
        try Files.makeDirectory(directory)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory)
        // path                exists  directory  bytes where it is a file
        let cases: [(String, Bool, Bool, UInt64?)] = [
            (file, true, false, 2),
            (directory, true, true, nil),
            (link, true, false, nil),
            (folder.file("no"), false, false, nil),
            (file + "/below", false, false, nil),
        ]
        for (path, exists, isDirectory, bytes) in cases {
            #expect(try Files.exists(path) == exists, "\(path)")
            #expect(try Files.isDirectory(path) == isDirectory, "\(path)")
            #expect(try Files.status(path)?.bytes == bytes, "\(path)")
            #expect(try (Files.modified(path) != nil) == exists, "\(path)")
        }
        #expect(throws: AlulaError.self) { try Files.size(directory) }
    }

    @Test func `a tree is listed by its files, and goes without what its links name`() throws {
        let kept = folder.file("kept")
        try Files.replace(kept, with: [1])
        let root = folder.file("root")
        try Files.makeDirectory(root)
        try Files.makeDirectories(["b", "c"], in: root)
        for name in ["z", "b/y", "b/c/x"] { try Files.replace(root + "/" + name, with: [1]) }
        try FileManager.default.createSymbolicLink(
            atPath: root + "/b/link",
            withDestinationPath: kept
        )
        #expect(try Files.tree(root) == ["b/c/x", "b/link", "b/y", "z"])
        try Files.removeTree(root)
        #expect(try !Files.exists(root) && Files.exists(kept))
        try Files.removeTree(root)
        try Files.removeDirectory(root)
        #expect(try Files.namesIfAny(in: root).isEmpty)
        #expect(throws: AlulaError.self) { try Files.names(in: root) }
    }

    @Test(arguments: [("a/b", "a"), ("/a", "/"), ("a", "."), ("/a/b/c", "/a/b")])
    func `the directory of a path is told by its words`(path: String, parent: String) {
        #expect(Files.parent(of: path) == parent)
    }

    @Test func `a lock is one holder's until it goes`() throws {
        let path = folder.file("lock")
        var held = try LockFile.take(path)
        #expect(held != nil)
        #expect(try LockFile.take(path) == nil)
        held = nil
        let next = try LockFile.take(path)
        #expect(next != nil)
        withExtendedLifetime((held, next)) {}
    }
}
