import Domain
import GRDB
import Migrations
import Statistics
import Testing

@testable import Profiles

/// The tables of profiles in a file of their own.
struct ProfileFileTests {
    private let queue: DatabaseQueue
    private let subject: ProfileSubject

    init() throws {
        queue = try DatabaseQueue()
        subject = .model(
            try ProjectName("p", as: "project"),
            try RegisteredModelName("credit", as: "model")
        )
        try queue.write { db in
            for (_, sql) in OfflineMigrations.all { try db.execute(sql: sql) }
        }
    }

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    private func table(_ texts: [String]) throws -> TableProfile {
        var builder = ProfileBuilder(name: "city", type: .string)
        builder.add(try Column(.string, texts.map { .string($0) }))
        return TableProfile(rows: UInt64(texts.count), features: [builder.finish()])
    }

    @Test func `a subject is read back from its text, and nothing else is one`() {
        for known in [subject, .view(FeatureViewID(7))] {
            #expect(ProfileSubject(text: known.text) == known)
        }
        for text in ["", "view/", "view/x", "model/p", "model//m", "other/1", "view/1/2"] {
            #expect(ProfileSubject(text: text) == nil, "\(text)")
        }
    }

    @Test func `a vector that comes late puts the cursor back, one that comes in time does not`()
        throws
    {
        try queue.write { db in
            let file = ProfileFile(db)
            #expect(try file.cursor(subject) == nil)
            try file.arrived(subject, at: time(5))
            #expect(try file.cursor(subject) == nil)
            try file.set(ProfileCursor(start: time(100), entry: 0), of: subject)
            try file.arrived(subject, at: time(100))
            #expect(try file.cursor(subject)?.start == time(100))
            // While an hour is made, what comes of it puts it back too.
            try file.begin(subject, through: time(200))
            let cursor = try #require(try file.cursor(subject))
            #expect(try file.isBuilding(subject, cursor, through: time(200)))
            try file.arrived(subject, at: time(150))
            #expect(try !file.isBuilding(subject, cursor, through: time(200)))
            #expect(try file.cursor(subject)?.start == time(100))
            try file.arrived(subject, at: time(40))
            #expect(try file.cursor(subject)?.start == time(40))
        }
    }

    @Test func `a touched hour shows nothing of few rows until it is made again`() throws {
        let rare = ["Ulm"] + [String](repeating: "Bonn", count: 30)
        try queue.write { db in
            let file = ProfileFile(db)
            for start in [0, 10] as [Int64] {
                try file.put(
                    try table(rare),
                    subject,
                    start: time(start),
                    span: TimeSpan(microseconds: 10)
                )
            }
            let hours = try file.hours(subject)
            #expect(
                hours.map(\.start) == [time(0), time(10)] && hours.allSatisfy { $0.rows == 31 }
            )
            let touches = try file.touches()
            try file.touch(hours[0])
            #expect(try file.touches() > touches)
            #expect(try file.touched(9).map(\.id) == [hours[0].id])
            let coarse = try #require(try file.profile(hours[0].id))
            #expect(coarse["city"]?.top(9).map(\.text) == ["Bonn"])
            #expect(try file.profile(hours[1].id)?["city"]?.top(9).count == 2)
            try file.remake(hours[0].id, try table(["Bonn"]))
            #expect(try file.touched(9).isEmpty)
            #expect(try file.hour(hours[0].id)?.rows == 1)
            try file.remake(hours[0].id, TableProfile(rows: 0, features: []))
            #expect(try file.hour(hours[0].id) == nil)
            try file.coarsen(hours[1])
            let second = try #require(try file.hour(hours[1].id))
            #expect(second.isCoarse)
            // What is gone for good is not made again.
            try file.touch(second)
            #expect(try file.touched(9).isEmpty)
            #expect(try file.delete(before: time(11)) == 1 && file.hours(subject).isEmpty)
        }
    }
}
