import Domain
import Testing

/// The state machine against one that is written from the words of the documentation, over all
/// sequences of what may be found.
struct MonitorStateTests {
    private typealias Verdict = MonitorFinding.Verdict

    /// Looks at the whole past each time, instead of keeping a state.
    private static func naive(
        _ past: [Verdict],
        hold: Int
    ) -> (state: MonitorState, isAlarm: Bool, changes: [MonitorStatus.Change?]) {
        var isAlarm = false
        var changes: [MonitorStatus.Change?] = []
        var resolvedAt: Int?
        for (index, verdict) in past.enumerated() {
            var change: MonitorStatus.Change?
            // How many looks in a row, up to this one, were breached.
            let run = past[...index].reversed().prefix { $0 == .breached }.count
            if verdict == .fine, isAlarm {
                (isAlarm, change, resolvedAt) = (false, .resolved, index)
            } else if verdict == .breached, !isAlarm, run > hold {
                (isAlarm, change) = (true, .fired)
            }
            changes.append(change)
        }
        let state: MonitorState
        switch past.last {
        case nil, .cannotTell: state = .cannotTell
        case .breached: state = isAlarm ? .firing : .pending
        case .fine:
            let since = resolvedAt.map { past[$0...].allSatisfy { $0 == .fine } }
            state = since == true ? .resolved : .ok
        }
        return (state, isAlarm, changes)
    }

    @Test(arguments: 0...3)
    func everyShortSequence(hold: Int) {
        let verdicts: [Verdict] = [.fine, .breached, .cannotTell]
        for length in 0...8 {
            let count = (0..<length).reduce(1) { product, _ in product * 3 }
            for number in 0..<count {
                var rest = number
                let past = (0..<length).map { _ in
                    defer { rest /= 3 }
                    return verdicts[rest % 3]
                }
                var status = MonitorStatus(at: Timestamp(microseconds: 0))
                var changes: [MonitorStatus.Change?] = []
                for (index, verdict) in past.enumerated() {
                    let before = status
                    let time = Timestamp(microseconds: Int64(index) * 1_000_000)
                    changes.append(status.take(verdict, at: time, hold: .seconds(Int64(hold))))
                    #expect(
                        (before.state == status.state) == (before.since == status.since)
                            || index == 0
                    )
                }
                let expected = Self.naive(past, hold: hold)
                #expect(status.state == expected.state, "\(past)")
                #expect((status.firingSince != nil) == expected.isAlarm, "\(past)")
                #expect(changes == expected.changes, "\(past)")
                let told = changes.compactMap { $0 }
                #expect(
                    told.enumerated().allSatisfy { ($0.element == .fired) == ($0.offset % 2 == 0) }
                )
            }
        }
    }

    @Test func aRestartGoesOnWhereItWas() {
        var status = MonitorStatus(at: Timestamp(microseconds: 0))
        #expect(status.take(.breached, at: .init(microseconds: 1), hold: .seconds(10)) == nil)
        var again = MonitorStatus(
            state: status.state,
            since: status.since,
            firingSince: status.firingSince
        )
        #expect(again == status && again.state == .pending)
        #expect(
            again.take(.breached, at: .init(microseconds: 10_000_001), hold: .seconds(10)) == .fired
        )
        #expect(again.firingSince == Timestamp(microseconds: 10_000_001))
    }

    @Test func aClockThatGoesBackFiresNothing() {
        var status = MonitorStatus(at: Timestamp(microseconds: 0))
        _ = status.take(.breached, at: .init(microseconds: 50_000_000), hold: .seconds(10))
        #expect(status.take(.breached, at: .init(microseconds: .min), hold: .seconds(10)) == nil)
        #expect(status.state == .pending)
    }

    @Test func whatIsDefinedAnewBeginsAgainButKeepsItsAlarm() {
        var pending = MonitorStatus(at: Timestamp(microseconds: 0))
        _ = pending.take(.breached, at: .init(microseconds: 1), hold: .seconds(10))
        pending.redefine(at: .init(microseconds: 20_000_000))
        #expect(
            pending.take(.breached, at: .init(microseconds: 20_000_000), hold: .seconds(10)) == nil
        )
        var firing = MonitorStatus(at: Timestamp(microseconds: 0))
        #expect(firing.take(.breached, at: .init(microseconds: 1), hold: .seconds(0)) == .fired)
        firing.redefine(at: .init(microseconds: 2))
        #expect(firing.state == .firing)
        #expect(firing.take(.fine, at: .init(microseconds: 3), hold: .seconds(0)) == .resolved)
    }
}
