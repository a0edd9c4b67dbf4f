import Domain

/// How far a long verb has come, on standard error, so that standard output is the answer alone.
///
/// A bar on a terminal, a line now and then elsewhere, JSON lines for machines.
final class Progress {
    enum Style { case bar, lines, json }

    private let style: Style
    private var phase = ""
    private var last: ContinuousClock.Instant?
    private var barWidth = 0
    private var speed = Speed()
    private let clock = ContinuousClock()

    init(json: Bool) {
        style = json ? .json : Output.isTerminal ? .bar : .lines
    }

    /// Shows a phase at `done` of `total`; zero is an unknown total.
    ///
    /// `note` is for people; `counting` is what is done, for a rate and, with a total, the time left.
    func show(_ phase: String, done: UInt64, total: UInt64, note: String, counting: Unit? = nil) {
        let isNew = phase != self.phase
        if isNew {
            finishBar()
            speed = Speed()
        }
        self.phase = phase
        let pause: Duration = style == .bar ? .milliseconds(100) : .seconds(2)
        let isEnd = total > 0 && done >= total
        if !isNew, !(isEnd && style != .json), let last, clock.now - last < pause { return }
        last = clock.now
        speed.note(done, at: clock.now)
        switch style {
        case .bar: drawBar(done: done, total: total, note: note + pace(done, total, counting))
        case .lines:
            let pace = pace(done, total, counting)
            let figures = percent(done, total) + note + pace
            Output.diagnostic(figures.isEmpty ? phase : "\(phase): \(figures)")
        case .json:
            let step = JSONValue.object([
                ("progress", .string(phase)), ("done", .uint(done)),
                ("total", total == 0 ? .null : .uint(total)),
            ])
            Output.diagnostic(step.text)
        }
    }

    /// Ends what is shown, so that other output begins on a line of its own.
    func finish() {
        finishBar()
        phase = ""
    }

    private func drawBar(done: UInt64, total: UInt64, note: String) {
        var text = "\r\(phase) "
        if total > 0 {
            let filled = Int(min(1, Double(done) / Double(total)) * 30)
            text += "[" + String(repeating: "#", count: filled)
            text += String(repeating: " ", count: 30 - filled) + "] "
        }
        text += percent(done, total) + note
        let padding = max(0, barWidth - text.count)
        barWidth = text.count
        Output.progress(text + String(repeating: " ", count: padding))
    }

    private func finishBar() {
        if barWidth > 0 { Output.progress("\n") }
        barWidth = 0
    }

    private func percent(_ done: UInt64, _ total: UInt64) -> String {
        total == 0 ? "" : "\(UInt64(min(1, Double(done) / Double(total)) * 100)) % "
    }

    private func pace(_ done: UInt64, _ total: UInt64, _ unit: Unit?) -> String {
        guard let unit, let rate = speed.perSecond, rate >= 1 else { return "" }
        let text = ", \(unit.text(UInt64(rate)))/s"
        guard done < total else { return text }
        let left = TimeSpan(microseconds: Int64(Double(total - done) / rate * 1_000_000))
        return text + ", \(left.short) left"
    }
}

extension Progress {
    /// What is counted.
    enum Unit {
        case bytes
        case rows

        func text(_ count: UInt64) -> String {
            switch self {
            case .bytes: byteText(count)
            case .rows: counted(count, "row")
            }
        }
    }

    /// The rate of the last ten seconds, so that what was there before a resumption soon counts no
    /// more.
    struct Speed {
        private var samples: [(time: ContinuousClock.Instant, done: UInt64)] = []

        mutating func note(_ done: UInt64, at time: ContinuousClock.Instant) {
            samples.append((time, done))
            let recent = samples.firstIndex { time - $0.time <= .seconds(10) } ?? 0
            // One from before the window is kept, so that there are always two to compare.
            samples.removeFirst(max(0, min(recent - 1, samples.count - 2)))
        }

        /// Nil until there is something to compare.
        var perSecond: Double? {
            guard let first = samples.first, let last = samples.last, last.done >= first.done else {
                return nil
            }
            let seconds = (last.time - first.time) / .seconds(1)
            return seconds > 0 ? Double(last.done - first.done) / seconds : nil
        }
    }
}
