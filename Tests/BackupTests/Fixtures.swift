import Disk
import Domain
import Foundation
import TestSupport
import Testing

@testable import Backup

/// A directory of backups, and files that look like a data directory's.
struct BackupFixture {
    let folder: TemporaryDirectory
    var backups: BackupDirectory { BackupDirectory(path: folder.file("backups")) }
    var data: String { folder.file("data") }

    init() throws {
        folder = try TemporaryDirectory()
        try Files.makeDirectory(data)
        try backups.prepare(for: "mark")
    }

    func put(_ name: String, _ bytes: [UInt8]) throws {
        let parts = name.split(separator: "/").dropLast()
        try Files.makeDirectories(parts, in: data)
        try Files.replace(data + "/" + name, with: bytes)
    }

    /// Files of every kind, a database of some pieces among them.
    func putAll(seed: UInt64 = 1) throws {
        var random = SeededRandom(seed: seed)
        func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        try put("FORMAT", Array("alula 1\n".utf8))
        try put("online/000001.sst", bytes(70_000))
        try put("online/CURRENT", bytes(16))
        try put("online/empty.log", [])
        try put("catalog.sqlite", bytes(3 << 20))
        try put("offline.sqlite", bytes((2 << 20) + 77))
    }

    func sources() throws -> [BackupWriter.Source] {
        try Files.tree(data).map { path in
            let content: BackupWriter.Source.Content =
                path.hasSuffix(".sst") ? .immutable : path.hasSuffix(".sqlite") ? .database : .plain
            var file = data + "/" + path
            if path.hasSuffix(".sqlite") {
                // What is read in pieces is a copy, which goes.
                let copy = folder.file(path)
                try Files.replace(
                    copy,
                    with: try #require(try Files.contents(file, limit: 1 << 30))
                )
                file = copy
            }
            return try BackupWriter.Source(path: path, file: file, content: content)
        }
    }

    @discardableResult
    func make(
        _ name: String,
        recorded: Int64 = 0,
        deletions: [Deletion] = [],
        directory: String = "mark",
        request: String = "",
        pace: Pace = Pace()
    ) throws -> Manifest {
        let turn = try BackupTurn(backups)
        defer { withExtendedLifetime(turn) {} }
        let writer = try BackupWriter(backups, name: BackupName(name), pace: pace)
        return try writer.write(try sources()) { files, newBytes in
            Manifest(
                name: name,
                product: "test",
                dataFormat: 1,
                directory: directory,
                takenMicroseconds: recorded,
                logEntry: 7,
                recordedMicroseconds: recorded,
                appliedEntry: 7,
                auditHead: "0:" + String(repeating: "0", count: 64),
                auditKey: .inside,
                request: request,
                pausedMicroseconds: 1,
                newBytes: newBytes,
                deletions: deletions,
                files: files
            )
        }
    }

    func reader(_ name: String) throws -> BackupReader {
        try BackupReader(path: backups.path + "/" + name)
    }

    func objects() throws -> [String] { try Files.tree(backups.path + "/objects") }

    /// Changes one byte of a file in the middle.
    func flip(_ path: String, at place: Int? = nil) throws {
        var bytes = try #require(try Files.contents(path, limit: 1 << 30))
        bytes[place ?? bytes.count / 2] ^= 0x40
        // Not by replacing it: the file may have another name.
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.write(contentsOf: Data(bytes))
        try file.close()
    }
}

/// The code and the sentence of what is thrown.
func failure(_ body: () throws -> Void) -> AlulaError? {
    do {
        try body()
        return nil
    } catch {
        return error as? AlulaError
    }
}
