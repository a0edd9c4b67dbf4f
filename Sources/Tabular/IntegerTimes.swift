package import Domain

/// What a bare integer is where a time is expected.
///
/// Seconds that are taken for microseconds lie in 1970, where every join sees them: so nobody
/// guesses. A `hint` says how the unit is told.
package enum IntegerTimes: Sendable {
    case refused(hint: String)
    /// Microseconds where years have more than four digits, as exports write them; else refused.
    case far(hint: String)
    case counted(TimeUnit)
}

/// What integers count since 1970.
package enum TimeUnit: String, Sendable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"

    /// Nil where the time is out of range.
    package func time(_ count: Int64, rounding: Timestamp.Rounding) -> Timestamp? {
        switch self {
        case .seconds: return Self.scaled(count, by: 1_000_000)
        case .milliseconds: return Self.scaled(count, by: 1_000)
        case .microseconds: return Timestamp(microseconds: count)
        case .nanoseconds:
            let (whole, rest) = count.quotientAndRemainder(dividingBy: 1_000)
            switch rounding {
            case .up: return Timestamp(microseconds: rest > 0 ? whole + 1 : whole)
            case .down: return Timestamp(microseconds: rest < 0 ? whole - 1 : whole)
            }
        }
    }

    private static func scaled(_ count: Int64, by scale: Int64) -> Timestamp? {
        let (product, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : Timestamp(microseconds: product)
    }
}
