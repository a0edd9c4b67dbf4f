/// A moment: microseconds since 1970-01-01T00:00:00 UTC.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static let distantPast = Timestamp(microseconds: .min)
    public static let distantFuture = Timestamp(microseconds: .max)

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Saturates at the ends of the range instead of overflowing.
    public static func + (moment: Timestamp, span: TimeSpan) -> Timestamp {
        let (sum, overflow) = moment.microseconds.addingReportingOverflow(span.microseconds)
        guard overflow else { return Timestamp(microseconds: sum) }
        return span.microseconds > 0 ? .distantFuture : .distantPast
    }

    /// Saturates at the ends of the range instead of overflowing.
    public static func - (moment: Timestamp, span: TimeSpan) -> Timestamp {
        let (difference, overflow) = moment.microseconds.subtractingReportingOverflow(
            span.microseconds
        )
        guard overflow else { return Timestamp(microseconds: difference) }
        return span.microseconds > 0 ? .distantPast : .distantFuture
    }
}

/// A length of time in microseconds, written `90d`, `12h`, `30m`, `15s`, `250ms` or a sum such as `1d12h`.
public struct TimeSpan: Hashable, Comparable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static func seconds(_ count: Int64) -> TimeSpan {
        TimeSpan(microseconds: count * 1_000_000)
    }

    public static func < (left: TimeSpan, right: TimeSpan) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension TimeSpan: CustomStringConvertible {
    private static let units: [(name: String, microseconds: Int64)] = [
        ("w", 604_800_000_000), ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000),
        ("s", 1_000_000), ("ms", 1_000), ("us", 1),
    ]

    /// Reads `7d`, `1d12h`, `250ms`; nil where the text is none of these, is not positive or overflows.
    public init?(text: String) {
        var total: Int64 = 0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard let count = Int64(digits),
                let scale = TimeSpan.units.first(where: { $0.name == unit })
            else { return nil }
            let (product, tooLong) = count.multipliedReportingOverflow(by: scale.microseconds)
            let (sum, overflow) = total.addingReportingOverflow(product)
            guard !tooLong, !overflow else { return nil }
            total = sum
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard total > 0 else { return nil }
        self.init(microseconds: total)
    }

    /// The shortest text that `init(text:)` reads back, weeks left out: `90d`, `1d12h`.
    public var description: String {
        guard microseconds != 0 else { return "0s" }
        var text = microseconds < 0 ? "-" : ""
        var rest = microseconds.magnitude
        for unit in TimeSpan.units.dropFirst() where rest >= UInt64(unit.microseconds) {
            text += "\(rest / UInt64(unit.microseconds))\(unit.name)"
            rest %= UInt64(unit.microseconds)
        }
        return text
    }
}

extension TimeSpan {
    /// The two largest units: `5d3h`, `12m`, `0s`.
    public var short: String {
        let scales: [(name: String, size: Int64)] = [
            ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000),
        ]
        guard let first = scales.firstIndex(where: { microseconds >= $0.size }) else { return "0s" }
        var text = ""
        var rest = microseconds
        for scale in scales[first...].prefix(2) where rest >= scale.size {
            text += "\(rest / scale.size)\(scale.name)"
            rest %= scale.size
        }
        return text
    }
}
