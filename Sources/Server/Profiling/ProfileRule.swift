package import Domain

/// Of how long each profile is, and how long it is kept.
package struct ProfileRule: Sendable, Hashable {
    package var span: TimeSpan
    package var keep: TimeSpan

    package init(
        span: TimeSpan = .seconds(3_600),
        keep: TimeSpan = .seconds(30 * 86_400)
    ) {
        self.span = span
        self.keep = keep
    }

    /// The hour that a time lies in.
    func start(of time: Timestamp) -> Timestamp {
        let (span, time) = (span.microseconds, time.microseconds)
        let into = ((time % span) + span) % span
        let (start, overflow) = time.subtractingReportingOverflow(into)
        return Timestamp(microseconds: overflow ? .min : start)
    }

    func end(of start: Timestamp) -> Timestamp {
        let (end, overflow) = start.microseconds.addingReportingOverflow(span.microseconds)
        return Timestamp(microseconds: overflow ? .max : end)
    }

    /// Rows come a little behind their time.
    private var slack: TimeSpan {
        TimeSpan(microseconds: min(5_000_000, span.microseconds / 10))
    }

    /// Whether an hour with this end is over.
    func isOver(_ end: Timestamp, at now: Timestamp) -> Bool { end <= now - slack }
}
