import Domain
import Foundation
import FoundationNetworking
import NIOCore
import Testing
import Trust
import Wire

@testable import Server

/// What the server tells of itself.
@Suite(.serialized)
struct MetricsTests {
    @Test func `a call is counted in the bucket that holds its time`() {
        let figures = CallFigures()
        let lane = figures.lane()
        #expect(CallFigures.Lane.bucket(0) == 0)
        #expect(CallFigures.Lane.bucket(16) == 0)
        #expect(CallFigures.Lane.bucket(17) == 1)
        for bucket in 1..<(CallFigures.bucketCount - 1) {
            let bound = CallFigures.bound(bucket)
            #expect(CallFigures.Lane.bucket(bound) == bucket)
            #expect(CallFigures.Lane.bucket(bound + 1) == bucket + 1)
        }
        #expect(CallFigures.Lane.bucket(.max) == CallFigures.bucketCount - 1)
        lane.observe(.read, microseconds: 20, failed: false)
        lane.observe(.read, microseconds: 1_000, failed: true)
        figures.lane().observe(.read, microseconds: 20, failed: false)
        figures.lane().observe(.push, microseconds: 5, failed: false)
        let sum = figures.sum(of: .read)
        #expect(sum.count == 3 && sum.failures == 1 && sum.microseconds == 1_040)
        #expect(sum.buckets[1] == 2)
        #expect(figures.sum(of: .push).count == 1)
    }

    @Test func `lines are in the format, labels escaped, seconds exact`() {
        var page = MetricsText()
        page.begin("m", .gauge, "Help.")
        page.sample("m", [("a", "x\"\\\ny")], 7)
        page.sample("m", seconds: -1_500_000)
        #expect(
            page.text
                == "# HELP m Help.\n# TYPE m gauge\nm{a=\"x\\\"\\\\\\ny\"} 7\nm -1.500000\n"
        )
    }

    @Test(arguments: [
        ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("1969-12-31T23:59:59.5Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
        ("2024-02-29T12:00:00.999999Z", "Thu, 29 Feb 2024 12:00:00 GMT"),
    ]) func `pages are dated as RFC 9110 has it`(time: String, date: String) throws {
        #expect(try #require(Timestamp(text: time, rounding: .down)).httpDate == date)
    }

    private func get(_ url: String) async throws -> (Int, String) {
        let (data, response) = try await URLSession.shared.data(
            from: try #require(URL(string: url))
        )
        return (
            (response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self)
        )
    }

    @Test func `the page has what was done, every name once, and no token`() async throws {
        var token = ""
        let server = try await RunningServer(prepare: { token = try $0.make("root", [.admin]) })
        let client = try RawClient(port: server.port)
        #expect(try client.authenticate(token) == nil)
        let status = try PermissionTests.request(.status, project: "", "")
        for _ in 0..<3 { #expect(try client.fail(.status, status) == nil) }
        let push = try PermissionTests.request(.push, project: "", "x")
        #expect(try client.fail(.push, push)?.code == .permissionDenied)
        let base = "http://127.0.0.1:\(server.httpPort)"
        #expect(try await get(base + "/healthz") == (200, ""))
        #expect(try await get(base + "/readyz") == (200, ""))
        let (code, text) = try await get(base + "/metrics")
        #expect(code == 200)
        #expect(text.contains("alula_requests_total{operation=\"status\",outcome=\"ok\"} 3\n"))
        #expect(text.contains("alula_request_seconds_count{operation=\"status\"} 3\n"))
        #expect(text.contains("alula_refusals_total 1\n"))
        #expect(text.contains("alula_tokens{state=\"live\"} 1\n"))
        #expect(text.contains("alula_ready 1\n"))
        #expect(!text.contains(token.dropFirst(6)))
        let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count)
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let name = line.prefix { $0 != "{" && $0 != " " }
            #expect(
                types.contains { type in
                    name.hasPrefix(type.split(separator: " ")[2])
                },
                "\(line) has no type"
            )
            #expect(Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
        }
        await server.stop()
    }

    @Test func `a check costs little`() throws {
        let server = Gatekeeper(
            book: .init(),
            anonymous: .local,
            snapshot: { .empty },
            now: { Timestamp(microseconds: 0) }
        )
        let scoped = Identity(
            name: "x",
            roles: [.reader],
            isVerified: true,
            scope: TokenScope(projects: [try ProjectName("p", as: "project")])
        )
        let control = try PermissionTests.request(.read, project: "p", "credit")
        for (what, identity) in [("without a scope", Identity.local), ("with a scope", scoped)] {
            let rounds = 20_000
            let start = ContinuousClock.now
            for _ in 0..<rounds {
                guard server.refusal(of: .read, control, from: identity) == nil else {
                    Issue.record("refused")
                    return
                }
            }
            let each = (ContinuousClock.now - start) / rounds
            print("a check \(what): \(each) a request")
            #expect(each < .microseconds(200), "in a build without optimisation, too")
        }
    }
}
