/// What went wrong, in a word for programs and a sentence for people.
///
/// Every boundary of the system throws this one type, made by named factories; the edge turns it into a
/// wire status without translating. Messages name the field, the row and what was expected, and never
/// print feature values.
public struct AlulaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// gRPC's words, with their meanings: `unavailable` retry, `aborted` start again, `failedPrecondition`
    /// mend first.
    public enum Code: UInt32, Sendable, CaseIterable {
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16
    }

    /// Whether the same call may be sent again.
    public enum Retry: UInt32, Sendable {
        /// It would fail again in the same way.
        case never = 0
        /// It may succeed at once or later; a write is repeated with its request id.
        case sameRequest = 1
        /// Read the present state, then make a new request.
        case afterReading = 2
    }

    public var code: Code
    /// One sentence: what was expected, what was found, where.
    public var message: String
    /// What to do about it; empty where the message says it.
    public var help: String
    /// Every reason, where there are several (all mistakes of a file, all rules of a gate).
    public var details: [String]
    public var retry: Retry

    public init(
        _ code: Code,
        _ message: String,
        help: String = "",
        details: [String] = [],
        retry: Retry? = nil
    ) {
        self.code = code
        self.message = message
        self.help = help
        self.details = details
        self.retry = retry ?? AlulaError.usualRetry(code)
    }

    private static func usualRetry(_ code: Code) -> Retry {
        switch code {
        case .unavailable, .deadlineExceeded, .resourceExhausted: .sameRequest
        case .aborted: .afterReading
        case .cancelled, .unknown, .invalidArgument, .notFound, .alreadyExists, .permissionDenied,
            .failedPrecondition, .outOfRange, .unimplemented, .internal, .dataLoss,
            .unauthenticated:
            .never
        }
    }

    public var description: String {
        var text = "\(code): \(message)"
        for detail in details { text += "\n  - \(detail)" }
        if !help.isEmpty { text += "\n  \(help)" }
        return text
    }
}

extension AlulaError {
    public static func invalid(_ message: String, help: String = "", details: [String] = []) -> Self
    {
        Self(.invalidArgument, message, help: help, details: details)
    }

    public static func notFound(_ message: String, help: String = "") -> Self {
        Self(.notFound, message, help: help)
    }

    public static func refused(_ message: String, help: String = "", details: [String] = []) -> Self
    {
        Self(.failedPrecondition, message, help: help, details: details)
    }

    /// Bytes on disk or on the wire are not what was written.
    public static func corrupt(_ message: String) -> Self {
        Self(.dataLoss, message)
    }
}
