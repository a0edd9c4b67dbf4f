import Foundation
import Logging

/// Log lines as JSON objects on standard error, one a line, for whatever collects them.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields: [String: String] = [:]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            fields[key] = "\(value)"
        }
        fields["time"] = Date.now.ISO8601Format(
            .iso8601(timeZone: .gmt, includingFractionalSeconds: true)
        )
        fields["level"] = "\(event.level)"
        fields["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(fields) else { return }  // text always encodes
        line.append(0x0A)
        FileHandle.standardError.write(line)
    }
}

extension ServerConfiguration {
    /// Where the server tells of itself: standard error, from `notice` on.
    var logger: Logger {
        var logger = Logger(label: "alula") { label in
            switch logFormat {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = .notice
        return logger
    }
}
