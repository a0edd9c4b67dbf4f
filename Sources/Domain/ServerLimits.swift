/// The limits that whoever runs a server may set, each with the value it has otherwise: what a
/// machine can bear, where those of `Limits` are part of the formats.
public struct ServerLimits: Sendable, Equatable {
    /// Connections of the server.
    public var connections = 16_384
    /// Calls in flight on one connection.
    public var callsPerConnection = Limits.callsPerConnection
    /// Streams of one connection that are worked on at once; more wait their turn.
    public var streamsPerConnection = Limits.streamsPerConnection
    /// Bytes of requests and uploads that one connection has waiting.
    public var connectionBytes = 96 << 20
    /// The same over all connections.
    public var bufferedBytes = 1 << 30
    /// Bytes that training sets take while they are made, all together; 0 is a half of the memory.
    public var workingBytes = 0
    /// Calls that one token may make in a second, on all its connections; 0 is any number.
    public var requestsPerSecond = 0
    /// Until a connection must have sent its preface, and its token where one is wanted.
    public var openingSeconds = 10
    /// How long a peer may leave a frame half sent, or take nothing of what is written to it.
    public var stallSeconds = 300
    /// How long a stream may stand still on the client's side.
    public var streamIdleSeconds = 60
    /// How long a connection may have no call; 0 is for ever, gone peers are noticed by probes.
    public var idleSeconds = 0
    /// The longest deadline of a call that has one; 0 is any.
    public var deadlineSeconds = 0
    /// Bytes of the data disk that are kept free: who would take of them is refused.
    public var diskReserveBytes = 128 << 20

    public init() {}

    private struct Setting {
        var name: String
        var path: WritableKeyPath<ServerLimits, Int>
        var range: ClosedRange<Int>

        init(
            _ name: String,
            _ path: WritableKeyPath<ServerLimits, Int>,
            _ range: ClosedRange<Int>
        ) {
            self.name = name
            self.path = path
            self.range = range
        }
    }

    private static var settings: [Setting] {
        [
            Setting("connections", \.connections, 1...1_000_000),
            Setting("calls-per-connection", \.callsPerConnection, 1...Limits.callsPerConnection),
            Setting(
                "streams-per-connection",
                \.streamsPerConnection,
                1...Limits.callsPerConnection
            ),
            Setting("connection-bytes", \.connectionBytes, Limits.frameBytes...(1 << 40)),
            Setting("buffered-bytes", \.bufferedBytes, Limits.frameBytes...(1 << 40)),
            Setting("working-bytes", \.workingBytes, 0...(1 << 50)),
            Setting("requests-per-second", \.requestsPerSecond, 0...1_000_000_000),
            Setting("opening-seconds", \.openingSeconds, 1...3_600),
            Setting("stall-seconds", \.stallSeconds, 1...86_400),
            Setting("stream-idle-seconds", \.streamIdleSeconds, 1...86_400),
            Setting("idle-seconds", \.idleSeconds, 0...31_536_000),
            Setting("deadline-seconds", \.deadlineSeconds, 0...31_536_000),
            Setting("disk-reserve-bytes", \.diskReserveBytes, 0...(1 << 50)),
        ]
    }

    /// Sets one from `name=value`.
    public mutating func set(_ text: String) throws(AlulaError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let setting = Self.settings.first { $0.name == parts[0] }
        guard let setting else {
            throw .invalid(
                "--limit \(text.prefix(64)): there is no such limit",
                help: "expected NAME=NUMBER, with one of these names: "
                    + Self.settings.map(\.name).joined(separator: ", ")
            )
        }
        guard parts.count == 2, let value = Int(parts[1]), setting.range.contains(value) else {
            throw .invalid(
                "--limit \(text.prefix(64)): expected \(setting.name)=NUMBER, from "
                    + "\(setting.range.lowerBound) to \(setting.range.upperBound)"
            )
        }
        self[keyPath: setting.path] = value
    }

    /// Every limit by its name, as it stands.
    public var values: [(name: String, value: Int)] {
        Self.settings.map { ($0.name, self[keyPath: $0.path]) }
    }
}
