import Domain
import Logging
import NIOCore

/// Tells the log of calls that took long: which, whose, how long, under which request id; never what
/// was asked for.
struct SlowCalls: Sendable {
    let threshold: TimeSpan

    func note(_ call: Call, failed: Bool, _ logger: Logger) {
        // A stream takes as long as its client does.
        guard !call.operation.isStream, !call.operation.staysOpen else { return }
        let microseconds = (NIODeadline.now() - call.arrived).nanoseconds / 1_000
        guard microseconds >= threshold.microseconds else { return }
        let head = try? CallHead.peek(call.control)  // a broken one has no request id
        logger.notice(
            "slow call",
            metadata: [
                "operation": "\(call.operation.word)",
                "milliseconds": "\(microseconds / 1_000)",
                "caller": "\(call.identity.name)",
                "project": "\(head.flatMap { ProjectName($0.project)?.text } ?? "-")",
                "request": "\(hexadecimal(head?.requestID ?? []))",
                "failed": "\(failed)",
            ]
        )
    }
}
