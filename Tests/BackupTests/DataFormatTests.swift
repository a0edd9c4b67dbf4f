import Disk
import Domain
import Foundation
import TestSupport
import Testing

@testable import Backup

struct DataFormatTests {
    private let folder: TemporaryDirectory
    private var data: String { folder.file("data") }

    init() throws { folder = try TemporaryDirectory() }

    private func put(format: String?) throws {
        try Files.makeDirectory(data)
        try Files.makeDirectory(data + "/online")
        try Files.replace(data + "/catalog.sqlite", with: [0])
        try Files.replace(data + "/online/rows", with: [1, 2, 3])
        if let format { try Files.replace(data + "/FORMAT", with: Array(format.utf8)) }
    }

    @Test func `a new directory says its format`() throws {
        try Files.makeDirectory(data)
        try DataFormat.current.prepare(data)
        #expect(try DataFormat.number(of: data) == DataFormat.current.number)
        try DataFormat.current.prepare(data)
    }

    @Test func `a newer format is refused in a sentence and nothing changes`() throws {
        try put(format: "alula 7\n")
        let found = try #require(failure { try DataFormat.current.prepare(data) })
        #expect(found.code == .failedPrecondition)
        #expect(found.message.contains("newer"))
        #expect(try DataFormat.number(of: data) == 7)
    }

    @Test func `stores without a format are not taken for a whole directory`() throws {
        try put(format: nil)
        #expect(failure { try DataFormat.current.prepare(data) }?.code == .failedPrecondition)
        #expect(try DataFormat.number(of: data) == nil)
    }

    /// A server made catalog.sqlite anew, began with no definitions, and gave ids a second time.
    @Test(arguments: ["catalog.sqlite", "online"], [false, true])
    func `a part that is gone, or empty, is not made anew`(part: String, isEmpty: Bool) throws {
        try put(format: "alula 1\n")
        try Files.replace(data + "/offline.sqlite", with: [0])
        try DataFormat.current.prepare(data)
        try Files.removeTree(data + "/" + part)
        if isEmpty { try Files.replace(data + "/" + part, with: []) }
        let found = try #require(failure { try DataFormat.current.prepare(data) })
        #expect(found.message.contains("has offline.sqlite and no \(part)"))
        #expect(found.code == .failedPrecondition)
    }

    @Test func `a first start that was cut short goes on`() throws {
        try Files.makeDirectory(data)
        try DataFormat.current.prepare(data)
        for part in ["catalog.sqlite", "offline.sqlite"] {
            try Files.replace(data + "/" + part, with: [0])
            if part == "catalog.sqlite" { try Files.makeDirectory(data + "/online") }
            try DataFormat.current.prepare(data)
        }
    }

    @Test func `a directory with other things in it is left alone`() throws {
        try Files.makeDirectory(data)
        try Files.makeDirectory(data + "/lost+found")
        try Files.replace(data + "/notes.txt", with: [1])
        let found = try #require(failure { try DataFormat.current.prepare(data) })
        #expect(found.message.contains("notes.txt"))
        #expect(try Files.names(in: data).sorted() == ["lost+found", "notes.txt"])
        try Files.removeTree(data + "/notes.txt")
        try DataFormat.current.prepare(data)
    }

    @Test(arguments: ["", "alula\n", "alula x\n", "alula 1", "alula -1\n", "other 1\n"])
    func `a format that cannot be read is damage`(text: String) throws {
        try put(format: text)
        #expect(failure { try DataFormat.current.prepare(data) }?.code == .dataLoss)
    }

    @Test func `an older format is copied, then migrated step by step`() throws {
        try put(format: "alula 0\n")
        let format = DataFormat(
            number: 2,
            migrations: [
                0: { (path) throws(AlulaError) in
                    try Files.replace(path + "/online/rows", with: [4])
                },
                1: { (path) throws(AlulaError) in
                    try Files.replace(path + "/online/more", with: [5])
                },
            ]
        )
        var said: [String] = []
        try format.prepare(data) { said.append($0) }
        #expect(said.count == 3)
        #expect(try DataFormat.number(of: data) == 2)
        #expect(try Files.contents(data + "/online/rows", limit: 9) == [4])
        let copy = data + ".format-0"
        #expect(try DataFormat.number(of: copy) == 0)
        #expect(try Files.contents(copy + "/online/rows", limit: 9) == [1, 2, 3])
        #expect(try !Files.exists(copy + "/online/more"))
    }

    @Test func `a migration that fails is done again, and the copy stays that of before`() throws {
        try put(format: "alula 0\n")
        let broken = DataFormat(
            number: 1,
            migrations: [
                0: { directory throws(AlulaError) in
                    try Files.replace(directory + "/online/rows", with: [9])
                    throw AlulaError(.internal, "made to fail")
                }
            ]
        )
        #expect(failure { try broken.prepare(data) }?.code == .internal)
        #expect(try DataFormat.number(of: data) == 0)
        let whole = DataFormat(
            number: 1,
            migrations: [
                0: { (path) throws(AlulaError) in
                    try Files.replace(path + "/online/rows", with: [4])
                }
            ]
        )
        try whole.prepare(data)
        #expect(try Files.contents(data + "/online/rows", limit: 9) == [4])
        #expect(try Files.contents(data + ".format-0/online/rows", limit: 9) == [1, 2, 3])
    }

    @Test func `a format that no migration leads from is refused before anything is copied`() throws
    {
        try put(format: "alula 0\n")
        #expect(failure { try DataFormat.current.prepare(data) }?.code == .failedPrecondition)
        #expect(try !Files.exists(data + ".format-0"))
    }
}
