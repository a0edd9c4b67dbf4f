import Disk
import Domain
import Foundation
import TestSupport
import Testing

@testable import Backup

struct BackupTests {
    @Test func `what is restored is what was backed up, byte for byte`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        let target = fixture.folder.file("restored")
        try Files.makeDirectory(target)
        try fixture.reader("one").restore(to: target, pace: Pace())
        #expect(try Files.tree(target) == Files.tree(fixture.data))
        for path in try Files.tree(target) {
            #expect(
                try Files.contents(target + "/" + path, limit: 1 << 30)
                    == Files.contents(fixture.data + "/" + path, limit: 1 << 30),
                "\(path)"
            )
        }
    }

    @Test func `a backup is found by the call that made it`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one", request: "ab")
        try fixture.make("two")
        #expect(try fixture.backups.made(by: "ab")?.name == "one")
        #expect(try fixture.backups.made(by: "abab") == nil)
        #expect(try fixture.backups.made(by: "") == nil)
    }

    @Test func `what earlier backups have is not copied again`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        let first = try fixture.make("one")
        let before = try fixture.objects()
        let second = try fixture.make("two")
        #expect(second.newBytes == 0)
        #expect(try fixture.objects() == before)
        // One byte of one piece of a database: that piece is new, and the others are not.
        try fixture.flip(fixture.data + "/catalog.sqlite", at: 10)
        let third = try fixture.make("three")
        #expect(third.newBytes == 1 << 20)
        #expect(first.bytes == third.bytes)
        for name in ["one", "two", "three"] { try fixture.reader(name).check(pace: Pace()) }
    }

    @Test func `a flipped byte in any object is found and named`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        let target = fixture.folder.file("restored")
        for object in try fixture.objects() {
            let path = fixture.backups.path + "/objects/" + object
            guard try Files.size(path) ?? 0 > 0 else { continue }
            try fixture.flip(path)
            let found = try #require(
                failure { try fixture.reader("one").check(pace: Pace()) },
                "\(object)"
            )
            #expect(found.code == .dataLoss)
            #expect(found.details.count == 1)
            try Files.makeDirectory(target)
            #expect(
                failure { try fixture.reader("one").restore(to: target, pace: Pace()) }?.code
                    == .dataLoss
            )
            try Files.removeTree(target)
            try fixture.flip(path)
        }
        try fixture.reader("one").check(pace: Pace())
    }

    @Test func `a missing object is found`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        let object = try #require(try fixture.objects().first)
        try Files.remove(fixture.backups.path + "/objects/" + object)
        let found = try #require(failure { try fixture.reader("one").check(pace: Pace()) })
        #expect(found.details.first?.contains("missing") == true)
    }

    @Test func `a manifest cut short anywhere or changed anywhere is refused`() throws {
        let fixture = try BackupFixture()
        try fixture.put("FORMAT", [1, 2, 3])
        try fixture.make("one")
        let path = fixture.backups.path + "/one/manifest"
        let whole = try #require(try Files.contents(path, limit: 1 << 20))
        for count in 0..<whole.count {
            try Files.replace(path, with: Array(whole[..<count]))
            #expect(failure { _ = try fixture.reader("one") }?.code == .dataLoss, "\(count)")
        }
        for place in whole.indices {
            var changed = whole
            changed[place] ^= 0x20
            try Files.replace(path, with: changed)
            #expect(failure { _ = try fixture.reader("one") }?.code == .dataLoss, "\(place)")
        }
        let entry = try #require(try fixture.backups.list().first)
        #expect(throws: AlulaError.self) { try entry.manifest.get() }
    }

    @Test func `a manifest that leads out of the data directory is refused`() throws {
        for path in ["../out", "a/../../out", "/etc/passwd", "", "a//b", "."] {
            let fixture = try BackupFixture()
            try fixture.put("FORMAT", [1])
            var manifest = try fixture.make("one")
            manifest.files[0].path = path
            try Files.replace(
                fixture.backups.path + "/one/manifest",
                with: try Sealed.encode(manifest)
            )
            #expect(failure { _ = try fixture.reader("one") }?.code == .dataLoss, "\(path)")
        }
    }

    @Test func `an object that an earlier backup has damaged is copied anew`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        let object = try #require(
            try fixture.objects().first { path in
                try Files.size(fixture.backups.path + "/objects/" + path) == 1 << 20
            }
        )
        try fixture.flip(fixture.backups.path + "/objects/" + object)
        #expect(failure { try fixture.make("two") }?.code == .dataLoss)
        #expect(try fixture.backups.list().map(\.name) == ["one"])
        try fixture.make("two")
        try fixture.reader("one").check(pace: Pace())
        try fixture.reader("two").check(pace: Pace())
    }

    @Test func `two backups at once are not made`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        let turn = try BackupTurn(fixture.backups)
        let found = failure { try fixture.make("one") }
        #expect(found?.code == .failedPrecondition)
        withExtendedLifetime(turn) {}
        #expect(try fixture.backups.list().isEmpty)
    }

    @Test func `a name is given once`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        #expect(failure { try fixture.make("one") }?.code == .alreadyExists)
        try fixture.reader("one").check(pace: Pace())
    }

    @Test func `stopped anywhere, a backup leaves nothing that counts and nothing that stays`()
        throws
    {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        try fixture.flip(fixture.data + "/offline.sqlite")
        let before = try fixture.objects()
        var steps = 0
        while true {
            var asked = 0
            let pace = Pace(isCancelled: {
                asked += 1
                return asked > steps
            })
            if failure({ try fixture.make("two", pace: pace) }) == nil { break }
            #expect(try fixture.backups.list().map(\.name) == ["one"])
            #expect(try fixture.objects() == before, "after \(steps) steps")
            steps += 1
        }
        #expect(steps > 10)
        try fixture.reader("two").check(pace: Pace())
    }

    @Test func `what a crash has left is swept by the next backup, and nothing that is needed`()
        throws
    {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        let whole = try fixture.objects()
        try Files.replace(fixture.backups.path + "/objects/\(whole[0].prefix(2))/left", with: [1])
        try Files.makeDirectory(fixture.backups.path + "/tmp/half")
        try Files.replace(fixture.backups.path + "/tmp/half/manifest", with: [1])
        try fixture.make("two")
        #expect(try fixture.objects() == whole)
        #expect(try Files.names(in: fixture.backups.path + "/tmp").isEmpty)
        try fixture.reader("one").check(pace: Pace())
        // With the last backup that needs them, objects go.
        try Files.removeTree(fixture.backups.path + "/one")
        try Files.removeTree(fixture.backups.path + "/two")
        try fixture.putAll(seed: 9)
        try fixture.make("three")
        #expect(try Set(fixture.objects()).intersection(whole).count <= 2)
        try fixture.reader("three").check(pace: Pace())
    }

    @Test func `while a manifest cannot be read, no object goes`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        let whole = try fixture.objects()
        let path = fixture.backups.path + "/one/manifest"
        let manifest = try #require(try Files.contents(path, limit: 1 << 20))
        try Files.replace(path, with: Array(manifest.dropLast(5)))
        try fixture.putAll(seed: 5)
        try fixture.make("two")
        #expect(try Set(fixture.objects()).isSuperset(of: whole))
    }

    @Test func `a directory keeps the backups of one data directory`() throws {
        let fixture = try BackupFixture()
        try fixture.putAll()
        try fixture.make("one")
        #expect(failure { try fixture.backups.prepare(for: "other") }?.code == .failedPrecondition)
    }

    @Test func `a turn that is refused closes no file but its own`() throws {
        let fixture = try BackupFixture()
        let held = try BackupTurn(fixture.backups)
        DispatchQueue.concurrentPerform(iterations: 2) { number in
            if number == 0 {
                for _ in 0..<3_000 {
                    #expect(throws: AlulaError.self) { try BackupTurn(fixture.backups) }
                }
            } else {
                var failed = 0
                for _ in 0..<20_000 {
                    let files = (0..<4).map { _ in open("/dev/null", O_RDONLY) }
                    for file in files where close(file) != 0 { failed += 1 }
                }
                #expect(failed == 0)
            }
        }
        withExtendedLifetime(held) {}
    }

    @Test func `names are words and never paths`() {
        let cases: [(String, Bool)] = [
            ("one", true), ("2026-11-21", true), ("a.b_c-D9", true),
            (String(repeating: "a", count: 64), true),
            (String(repeating: "a", count: 65), false), ("", false), (".", false), ("..", false),
            (".hidden", false), ("-x", false), ("a/b", false), ("../a", false), ("a\0b", false),
            ("a b", false), ("a\nb", false), ("ä", false), ("a\\b", false), ("%2e%2e", false),
            ("objects", false), ("tmp", false), ("lock", false), ("deletions", false),
        ]
        for (text, isName) in cases {
            #expect(((try? BackupName(text)) != nil) == isName, "\(text)")
        }
        let time = Timestamp(microseconds: 1_795_291_209_371_047)
        #expect(BackupName(of: time).text == "20261121-200009")
    }

    @Test func `what is forgotten is kept in the list for good`() throws {
        let fixture = try BackupFixture()
        let deletions = (1...3).map { number in
            Deletion(
                logEntry: UInt64(number),
                recordedMicroseconds: Int64(number),
                entity: 1,
                keyHash: String(repeating: "\(number)", count: 64)
            )
        }
        try fixture.backups.note(deletions[..<2], of: "mark")
        // What another data directory has forgotten stays in its list.
        #expect(
            failure { try fixture.backups.note(deletions[2...], of: "other") }?.code
                == .failedPrecondition
        )
        #expect(failure { try fixture.backups.prepare(for: "other") }?.code == .failedPrecondition)
        try fixture.backups.note(deletions[2...], of: "mark")
        #expect(try fixture.backups.deletions(of: "mark") == Set(deletions))
        try fixture.putAll()
        try fixture.make("one", deletions: [deletions[0]])
        try Files.remove(fixture.backups.path + "/deletions")
        #expect(try fixture.backups.deletions(of: "mark") == [deletions[0]])
    }

    @Test func `a rate holds the bytes back`() throws {
        let pace = Pace(bytesPerSecond: 10 << 20)
        let time = try ContinuousClock().measure {
            for _ in 0..<4 { try pace.took(1 << 20) }
        }
        #expect(time > .milliseconds(300))
    }
}
