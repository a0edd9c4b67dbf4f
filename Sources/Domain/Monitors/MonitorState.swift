/// What one look at a monitor's figure came to.
package struct MonitorFinding: Sendable, Hashable {
    package enum Verdict: Sendable, Hashable {
        case fine
        case breached
        /// Too little data, or none that can be compared.
        case cannotTell
    }

    package var verdict: Verdict
    /// Nil where there is none.
    package var value: Double?
    package var threshold: Double?
    /// That were looked at.
    package var rows: UInt64
    /// With the figures, for people.
    package var reason: String

    package init(
        _ verdict: Verdict,
        value: Double? = nil,
        threshold: Double? = nil,
        rows: UInt64 = 0,
        reason: String
    ) {
        self.verdict = verdict
        self.value = value
        self.threshold = threshold
        self.rows = rows
        self.reason = reason
    }
}

package enum MonitorState: String, Sendable, Hashable, CaseIterable {
    case ok
    /// Breached, not yet for as long as the monitor asks for.
    case pending
    case firing
    /// Fine again after it fired.
    case resolved
    case cannotTell = "cannot tell"
}

/// Where a monitor stands: a pure function of what was found, and when.
///
/// Alarms begin and end in turns: what fired stays an alarm while nothing can be told, and ends when
/// its figure is fine.
package struct MonitorStatus: Sendable, Hashable {
    package enum Change: Sendable, Hashable {
        case fired
        case resolved
    }

    package private(set) var state: MonitorState
    /// When the state began.
    package private(set) var since: Timestamp
    /// When the alarm began that has not ended; nil where there is none.
    package private(set) var firingSince: Timestamp?

    /// Of a monitor that was never looked at.
    package init(at time: Timestamp) {
        self.init(state: .cannotTell, since: time, firingSince: nil)
    }

    package init(state: MonitorState, since: Timestamp, firingSince: Timestamp?) {
        self.state = state
        self.since = since
        self.firingSince = firingSince
    }

    /// Takes what was found at a time, and says whether an alarm began or ended.
    ///
    /// `hold` is how long it must be breached without a break before it fires.
    package mutating func take(
        _ verdict: MonitorFinding.Verdict,
        at time: Timestamp,
        hold: TimeSpan
    ) -> Change? {
        switch verdict {
        case .cannotTell:
            enter(.cannotTell, time)
            return nil
        case .fine:
            guard firingSince == nil else {
                firingSince = nil
                enter(.resolved, time)
                return .resolved
            }
            enter(state == .resolved ? .resolved : .ok, time)
            return nil
        case .breached:
            guard firingSince == nil else {
                enter(.firing, time)
                return nil
            }
            if state != .pending, hold.microseconds > 0 {
                enter(.pending, time)
                return nil
            }
            guard hold.microseconds <= 0 || Self.span(since, time) >= hold.microseconds else {
                return nil
            }
            firingSince = time
            enter(.firing, time)
            return .fired
        }
    }

    /// Of a monitor that was defined anew: what was pending begins again, an alarm stays one.
    package mutating func redefine(at time: Timestamp) {
        if state == .pending { enter(.cannotTell, time) }
    }

    private mutating func enter(_ next: MonitorState, _ time: Timestamp) {
        if next != state { since = time }
        state = next
    }

    /// Of a clock that went back it is negative.
    private static func span(_ start: Timestamp, _ end: Timestamp) -> Int64 {
        let (span, overflow) = end.microseconds.subtractingReportingOverflow(start.microseconds)
        return overflow ? (end < start ? .min : .max) : span
    }
}

/// A monitor's status with its last figures, as it is kept.
package struct MonitorRecord: Sendable, Hashable {
    package var project: ProjectName
    package var name: MonitorName
    /// Of the monitor, when it was looked at.
    package var version: UInt32
    package var status: MonitorStatus
    package var evaluated: Timestamp
    package var finding: MonitorFinding

    package init(
        project: ProjectName,
        name: MonitorName,
        version: UInt32,
        status: MonitorStatus,
        evaluated: Timestamp,
        finding: MonitorFinding
    ) {
        self.project = project
        self.name = name
        self.version = version
        self.status = status
        self.evaluated = evaluated
        self.finding = finding
    }
}
