import Domain
import Follow
import Foundation
import Synchronization
import TestSupport
import Testing

struct EventPatternTests {
    @Test(arguments: [
        ("stage.promoted", ["stage.promoted"]),
        ("stage.*", ["stage.left", "stage.promoted", "stage.rolled_back"]),
        ("*.published", ["import.published"]),
        ("freshness_lost,stage_rolled_back", ["freshness.lost", "stage.rolled_back"]),
        ("gate.refused,alias.*", ["alias.deleted", "alias.set", "gate.refused"]),
        ("*", EventPattern.names), ("*.*", EventPattern.names),
    ])
    func `a pattern takes the events it names`(text: String, names: [String]) throws {
        let pattern = try EventPattern(text)
        #expect(EventPattern.names.filter(pattern.matches) == names)
    }

    @Test(arguments: [
        "", "stage", "stage.", ".left", "stage.moved", "stag*.left", "stage.left,", "a.b.c", "**",
        "monitors.*",
    ])
    func `what is of no event is refused with the list`(text: String) {
        let error = #expect(throws: AlulaError.self) { try EventPattern(text) }
        #expect(error?.code == .invalidArgument)
        for name in EventPattern.names { #expect(error?.help.contains(name) == true) }
    }

    @Test func `a name of a newer server is taken by a star`() throws {
        #expect(try EventPattern("*").matches("something.new"))
        #expect(try EventPattern("stage.*").matches("stage.new"))
        #expect(try !EventPattern("stage.left").matches("stage.new"))
    }
}

struct FollowFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func `a state is read as it was written, in directories that were missing`() throws {
        let path = directory.file("a/b/state.json")
        var state = try FollowState(revision: .max)
        do {
            let file = try FollowFile(path: path)
            #expect(try file.read() == nil)
            try file.write(state)
            #expect(try file.read() == state)
            state.revision = 7
            state.givenUp = 2
            try file.write(state)
        }
        #expect(try FollowFile(path: path).read() == state)
        #expect(state.follower.count == 32)
        #expect(try FollowState(revision: 7).follower != state.follower)
    }

    @Test func `a second follower is refused while the first lives`() throws {
        let path = directory.file("state.json")
        var first: FollowFile? = try FollowFile(path: path)
        let error = #expect(throws: AlulaError.self) { _ = try FollowFile(path: path) }
        #expect(error?.message.contains(path) == true)
        withExtendedLifetime(first) {}
        first = nil
        _ = try FollowFile(path: path)
    }

    @Test func `every cut and every wrong text is told, and harms nothing`() throws {
        let path = directory.file("state.json")
        let file = try FollowFile(path: path)
        let state = try FollowState(revision: 41)
        try file.write(state)
        let whole = try Data(contentsOf: URL(filePath: path))
        for count in 0..<(whole.count - 2) {
            try whole.prefix(count).write(to: URL(filePath: path))
            let error = #expect(throws: AlulaError.self) { try file.read() }
            #expect(error?.code == .dataLoss)
        }
        for text in ["null", "[]", "{}", #"{"revision":-1,"follower":"a","given_up":0}"#] {
            try Data(text.utf8).write(to: URL(filePath: path))
            #expect(throws: AlulaError.self) { try file.read() }
        }
        try file.write(state)
        #expect(try file.read() == state)
    }

    @Test func `what a crash left half written is replaced`() throws {
        let path = directory.file("state.json")
        let file = try FollowFile(path: path)
        try file.write(try FollowState(revision: 1))
        try Data("{\"rev".utf8).write(to: URL(filePath: path + ".new"))
        #expect(try file.read()?.revision == 1)
        try file.write(try FollowState(revision: 2))
        #expect(try file.read()?.revision == 2)
    }
}

struct CommandRunTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func run(
        _ script: String,
        input: String = "",
        grace: Duration = .milliseconds(50)
    ) throws -> CommandRun {
        try CommandRun(
            ["sh", "-c", script],
            environment: ["PATH": "/usr/bin:/bin", "OUT": directory.file("out")],
            input: Array(input.utf8),
            grace: grace
        )
    }

    private var out: String {
        (try? String(contentsOfFile: directory.file("out"), encoding: .utf8)) ?? ""
    }

    @Test func `a command gets its input, and its end is told`() async throws {
        let text = String(repeating: "event ", count: 7_000)
        #expect(try await run(#"cat > "$OUT""#, input: text).wait(timeout: nil) == .succeeded)
        #expect(out == text)
        // More than a pipe holds.
        let long = String(repeating: "event ", count: 70_000)
        #expect(try await run(#"cat > "$OUT""#, input: long).wait(timeout: nil) == .succeeded)
        #expect(out == long)
        #expect(try await run("true", input: long).wait(timeout: nil) == .succeeded)
        // One that reads nothing of it is none the worse.
        #expect(try await run("exit 3", input: text).wait(timeout: nil) == .failed(code: 3))
        #expect(try await run("kill -9 $$").wait(timeout: nil) == .ended(bySignal: 9))
        #expect(throws: AlulaError.self) {
            try CommandRun(["/no/such program"], environment: [:], input: [])
        }
    }

    @Test func `a command that hangs is ended with all of its group, politely or not`()
        async throws
    {
        let script = #"trap '' TERM; sleep 600 & echo $! > "$OUT"; wait; sleep 600"#
        let run = try run(script)
        #expect(await run.wait(timeout: .milliseconds(500)) == .timedOut)
        let child = try #require(Int32(out.trimmingCharacters(in: .whitespacesAndNewlines)))
        // Its parent is gone: whoever inherited it may not have looked yet.
        let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
        #expect(state == nil || state?.contains(") Z ") == true)
    }

    @Test func `one that is told to stop says so, and one that ended takes no harm`() async throws {
        let long = try run("sleep 600")
        long.stop()
        #expect(await long.wait(timeout: nil) == .stopped)
        let short = try run("true")
        #expect(await short.wait(timeout: .seconds(60)) == .succeeded)
        short.stop()
    }

    @Test func `nothing but the three files is inherited`() async throws {
        let file = FileHandle(forWritingAtPath: "/dev/null")
        let script = #"ls /proc/self/fd | tr '\n' ' ' > "$OUT""#
        #expect(try await run(script).wait(timeout: nil) == .succeeded)
        withExtendedLifetime(file) {}
        // The fourth is the directory that is listed.
        #expect(out == "0 1 2 3 ")
    }

    @Test func `what a killed follower left is ended, unless its event was handled`() async throws {
        let follower = try FollowState(revision: 0).follower
        func command(_ event: Int) throws -> CommandRun {
            try CommandRun(
                ["sh", "-c", #"echo >> "$OUT"; sleep 600; true"#],
                environment: [
                    "PATH": "/usr/bin:/bin", "OUT": directory.file("out"),
                    Remains.followerVariable: follower,
                    Remains.eventVariable: String(event),
                ],
                input: [],
                grace: .milliseconds(50)
            )
        }
        let (handled, open) = (try command(4), try command(5))
        // Both have their environment then.
        let limit = ContinuousClock.now + .seconds(20)
        while out.count < 2, ContinuousClock.now < limit { await Task.yield() }
        #expect(Remains.end(of: follower, after: 4) >= 1)
        #expect(await open.wait(timeout: .seconds(60)) == .ended(bySignal: 9))
        handled.stop()
        #expect(await handled.wait(timeout: .seconds(60)) == .stopped)
        #expect(Remains.end(of: follower, after: 0) == 0)
    }
}
