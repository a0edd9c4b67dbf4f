import Domain
import Wire

extension WireAsOf {
    /// Reads what `--as-of` says: a log entry, a time, or the id of a training set.
    init(text: String) throws(AlulaError) {
        self.init()
        if let entry = UInt64(text) {
            logEntry = entry
        } else if text.hasPrefix("ts-") {
            trainingSet = text
        } else {
            timeUs = try Timestamp(
                option: "--as-of",
                text,
                also: "a log entry, a training set's id"
            )
            .microseconds
        }
    }
}

extension Timestamp {
    /// Reads an option's time; finer than a microsecond is rounded down.
    init(option: String, _ text: String, also others: String = "") throws(AlulaError) {
        guard let moment = Timestamp(text: text, rounding: .down) else {
            throw .invalid(
                "\(option) \(text): expected \(others.isEmpty ? "" : "\(others) or ")a time such as "
                    + "2020-08-25T20:34:41Z"
            )
        }
        self = moment
    }
}
