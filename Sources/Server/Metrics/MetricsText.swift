/// Builds a page in Prometheus's text format.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricsText {
    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    private(set) var text = ""

    /// Begins a metric; its samples follow.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(
        _ name: String,
        _ labels: [(name: String, value: String)] = [],
        _ value: UInt64
    ) {
        line(name, labels, String(value))
    }

    mutating func sample(
        _ name: String,
        _ labels: [(name: String, value: String)] = [],
        seconds microseconds: Int64
    ) {
        line(name, labels, Self.seconds(microseconds))
    }

    mutating func sample(
        _ name: String,
        _ labels: [(name: String, value: String)] = [],
        number: Double
    ) {
        line(name, labels, "\(number)")
    }

    /// A metric of one sample.
    mutating func one(_ name: String, _ kind: Kind, _ value: UInt64, _ help: String) {
        begin(name, kind, help)
        line(name, [], String(value))
    }

    /// Microseconds as seconds, exactly.
    static func seconds(_ microseconds: Int64) -> String {
        let magnitude = microseconds.magnitude
        let fraction = String(magnitude % 1_000_000)
        let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
        return (microseconds < 0 ? "-" : "") + "\(magnitude / 1_000_000).\(padded)"
    }

    private mutating func line(
        _ name: String,
        _ labels: [(name: String, value: String)],
        _ value: String
    ) {
        text += name
        if !labels.isEmpty {
            let written = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
            text += "{" + written.joined(separator: ",") + "}"
        }
        text += " " + value + "\n"
    }

    private static func escaped(_ value: String) -> String {
        var text = String.UnicodeScalarView()
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text.append(contentsOf: "\\\\".unicodeScalars)
            case "\"": text.append(contentsOf: "\\\"".unicodeScalars)
            case "\n": text.append(contentsOf: "\\n".unicodeScalars)
            default: text.append(scalar)
            }
        }
        return String(text)
    }
}
