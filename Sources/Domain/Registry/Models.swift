/// A model under one name, with its versions.
public struct RegisteredModel: Sendable, Hashable {
    public var name: RegisteredModelName
    /// Grows with every change of the model; stage changes are compare-and-set on it.
    public var revision: UInt64
    public var newestVersion: UInt32
    public var holders: [StageHolder]
    public var aliases: [ModelAlias]
    /// What the definitions say of its stages.
    public var stages: [StageDefinition]
    /// Read and logged beside holders, never an answer.
    public var shadows: [StageHolder]

    public init(
        name: RegisteredModelName,
        revision: UInt64,
        newestVersion: UInt32,
        holders: [StageHolder],
        aliases: [ModelAlias] = [],
        stages: [StageDefinition] = [],
        shadows: [StageHolder] = []
    ) {
        self.name = name
        self.revision = revision
        self.newestVersion = newestVersion
        self.holders = holders
        self.aliases = aliases
        self.stages = stages
        self.shadows = shadows
    }
}

/// A version in a stage with its share of it, and the one to which a rollback of the stage returns.
public struct StageHolder: Sendable, Hashable {
    public var stage: Stage
    public var version: UInt32
    public var since: Timestamp
    public var previous: UInt32?
    public var share: Share

    public init(
        stage: Stage,
        version: UInt32,
        since: Timestamp,
        previous: UInt32?,
        share: Share
    ) {
        self.stage = stage
        self.version = version
        self.since = since
        self.previous = previous
        self.share = share
    }
}

/// SHA-256 of an artifact, a spine or a training set.
public struct ContentDigest: Sendable, Hashable, CustomStringConvertible {
    /// Exactly 32 bytes.
    public let bytes: [UInt8]

    /// Nil where there are not 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Takes 64 hexadecimal digits.
    public init(hex: String) throws(AlulaError) {
        let digits = Array(hex.utf8)
        var bytes: [UInt8] = []
        if digits.count == 64 {
            for index in stride(from: 0, to: 64, by: 2) {
                guard let high = Self.nibble(digits[index]),
                    let low = Self.nibble(digits[index + 1])
                else { break }
                bytes.append(high << 4 | low)
            }
        }
        guard bytes.count == 32 else {
            throw .invalid("a digest is 64 hexadecimal digits (SHA-256)")
        }
        self.bytes = bytes
    }

    public var description: String { hexadecimal(bytes) }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        case 0x41...0x46: digit - 0x41 + 10
        default: nil
        }
    }
}

/// Lower-case hexadecimal digits, two a byte.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
        text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
    }
    return text
}

/// An immutable trained model: its artifacts by digest, and everything it was made of.
public struct ModelVersion: Sendable, Hashable {
    public struct Artifact: Sendable, Hashable {
        /// The file name under which it is downloaded; never a path.
        public var name: String
        public var digest: ContentDigest
        public var bytes: UInt64
        /// Whether it is the manifest of a directory.
        public var isDirectory: Bool

        public init(
            name: String,
            digest: ContentDigest,
            bytes: UInt64,
            isDirectory: Bool = false
        ) {
            self.name = name
            self.digest = digest
            self.bytes = bytes
            self.isDirectory = isDirectory
        }
    }

    public var model: RegisteredModelName
    public var number: UInt32
    public var stage: Stage
    public var run: RunID
    public var trainingSet: TrainingSetID?
    /// Always with its version.
    public var service: FeatureServiceReference?
    public var artifacts: [Artifact]
    /// Of the run, when registered.
    public var params: [String: String]
    /// The last point of each metric of the run, when registered.
    public var metrics: [Metric]
    public var codeRevision: String
    public var description: String
    public var tags: [String: String]
    public var registered: Timestamp
    public var actor: String

    public init(
        model: RegisteredModelName,
        number: UInt32,
        stage: Stage,
        run: RunID,
        trainingSet: TrainingSetID?,
        service: FeatureServiceReference?,
        artifacts: [Artifact],
        params: [String: String],
        metrics: [Metric],
        codeRevision: String,
        description: String,
        tags: [String: String],
        registered: Timestamp,
        actor: String
    ) {
        self.model = model
        self.number = number
        self.stage = stage
        self.run = run
        self.trainingSet = trainingSet
        self.service = service
        self.artifacts = artifacts
        self.params = params
        self.metrics = metrics
        self.codeRevision = codeRevision
        self.description = description
        self.tags = tags
        self.registered = registered
        self.actor = actor
    }
}
