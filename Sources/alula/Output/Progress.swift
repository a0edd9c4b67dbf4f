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
    private let clock = ContinuousClock()

    init(json: Bool) {
        style = json ? .json : Output.isTerminal ? .bar : .lines
    }

    /// Shows a phase at `done` of `total`; zero is an unknown total.
    ///
    /// `note` is for people.
    func show(_ phase: String, done: UInt64, total: UInt64, note: String) {
        let isNew = phase != self.phase
        if isNew { finishBar() }
        self.phase = phase
        let pause: Duration = style == .bar ? .milliseconds(100) : .seconds(2)
        let isEnd = total > 0 && done >= total
        if !isNew, !(isEnd && style == .bar), let last, clock.now - last < pause { return }
        last = clock.now
        switch style {
        case .bar: drawBar(done: done, total: total, note: note)
        case .lines: Output.diagnostic("\(phase): \(percent(done, total))\(note)")
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
}
