/// Reading and writing of moments as ISO 8601 text, without Foundation.
extension Timestamp {
    /// Which way a time finer than a microsecond goes: up in rows and down in spines, so that rounding
    /// never leaks the future into a training set.
    public enum Rounding: Sendable {
        case up
        case down
    }

    /// Reads `2020-08-25`, `2020-08-25T20:34:41`, with a blank for the `T`, up to nine digits of
    /// fraction, and `Z`, `+02:00`, `+0200` or nothing (UTC) behind it.
    ///
    /// Nil where the text is none of these.
    public init?(text: String, rounding: Rounding) {
        guard let parsed = Timestamp.parse(Array(text.utf8), rounding: rounding) else { return nil }
        self = parsed
    }

    /// As `init(text:rounding:)`, from UTF-8.
    public static func parse(_ bytes: [UInt8], rounding: Rounding) -> Timestamp? {
        var scanner = Scanner(bytes: bytes)
        guard let year = scanner.digits(4), scanner.skip("-"),
            let month = scanner.digits(2), scanner.skip("-"), let day = scanner.digits(2),
            (1...12).contains(month), (1...daysIn(month: month, year: year)).contains(day)
        else { return nil }
        var seconds = daysSinceEpoch(year: year, month: month, day: day) * 86_400
        guard !scanner.atEnd else { return Timestamp(microseconds: seconds * 1_000_000) }
        guard scanner.skip("T") || scanner.skip(" ") || scanner.skip("t"),
            let hour = scanner.digits(2), scanner.skip(":"), let minute = scanner.digits(2),
            hour < 24, minute < 60
        else { return nil }
        seconds += hour * 3_600 + minute * 60
        var microseconds: Int64 = 0
        if scanner.skip(":") {
            guard let second = scanner.digits(2), second < 60 else { return nil }
            seconds += second
            if scanner.skip(".") || scanner.skip(",") {
                guard let fraction = scanner.fraction(rounding) else { return nil }
                microseconds = fraction
            }
        }
        guard let offset = scanner.zoneSeconds(), scanner.atEnd else { return nil }
        return Timestamp(microseconds: (seconds - offset) * 1_000_000 + microseconds)
    }

    /// `2020-08-25T20:34:41.207Z`: UTC, with as much fraction as there is, in groups of three digits.
    public var description: String {
        let (days, ofDay) = floorDivide(microseconds, 86_400_000_000)
        let (year, month, day) = Timestamp.civil(daysSinceEpoch: days)
        let (seconds, fraction) = floorDivide(ofDay, 1_000_000)
        var text = year < 0 ? "-" : ""
        text +=
            pad(year.magnitude, 4) + "-" + pad(UInt64(month), 2) + "-" + pad(UInt64(day), 2) + "T"
        text += pad(UInt64(seconds / 3_600), 2) + ":" + pad(UInt64(seconds / 60 % 60), 2) + ":"
        text += pad(UInt64(seconds % 60), 2)
        if fraction != 0 {
            let millis = fraction % 1_000 == 0
            text += "." + (millis ? pad(UInt64(fraction / 1_000), 3) : pad(UInt64(fraction), 6))
        }
        return text + "Z"
    }
}

extension Timestamp: CustomStringConvertible {}

private func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let remainder = value % divisor
    return remainder < 0
        ? (value / divisor - 1, remainder + divisor) : (value / divisor, remainder)
}

private func pad(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// The proleptic Gregorian calendar, after https://howardhinnant.github.io/date_algorithms.html.
extension Timestamp {
    static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shifted, 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func civil(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(daysSinceEpoch + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    static func daysIn(month: Int64, year: Int64) -> Int64 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Int(month - 1)]
    }
}

private struct Scanner {
    let bytes: [UInt8]
    var position = 0

    var atEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else {
            return false
        }
        position += 1
        return true
    }

    mutating func digits(_ count: Int) -> Int64? {
        guard position + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for index in position..<position + count {
            guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return nil }
            value = value * 10 + Int64(bytes[index] - 0x30)
        }
        position += count
        return value
    }

    /// One to nine digits behind the point, as microseconds, rounded.
    mutating func fraction(_ rounding: Timestamp.Rounding) -> Int64? {
        var value: Int64 = 0
        var count = 0
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39, count < 9 {
            value = value * 10 + Int64(bytes[position] - 0x30)
            position += 1
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { value *= 10 }
        let (whole, finer) = (value / 1_000, value % 1_000)
        return rounding == .up && finer > 0 ? whole + 1 : whole
    }

    /// `Z`, `+HH:MM`, `+HHMM`, `+HH` or nothing; nil where something else stands there.
    mutating func zoneSeconds() -> Int64? {
        if atEnd || skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = digits(2), hours < 24 else { return nil }
        _ = skip(":")
        guard !atEnd else { return sign * hours * 3_600 }
        guard let minutes = digits(2), minutes < 60 else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }
}
