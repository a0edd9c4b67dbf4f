/// A named line of work that runs belong to.
public enum Experiment {}

public enum RunKind {}
public enum TrainingSetKind {}

/// An identifier the server made, such as `run-4f1c…` or `ts-09ab…`; safe in a shell and in a URL.
public struct RecordID<Kind>: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    /// Takes a text of letters, digits and `-`, 1 to 64 characters.
    public init(_ text: String, as what: String) throws(AlulaError) {
        let valid =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || ($0 >= 0x30 && $0 <= 0x39)
                    || $0 == 0x2D
            }
        guard valid else {
            throw .invalid("\(what) id is not valid: expected letters, digits and '-'")
        }
        self.text = text
    }

    /// `prefix-` and 16 hexadecimal digits drawn at random.
    public static func random(prefix: String) -> Self {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return Self(
            trusted: prefix + "-" + String(repeating: "0", count: 16 - digits.count) + digits
        )
    }

    private init(trusted: String) { text = trusted }

    public var description: String { text }
}

public typealias RunID = RecordID<RunKind>
public typealias TrainingSetID = RecordID<TrainingSetKind>

/// One point of a metric's series.
public struct Metric: Sendable, Hashable {
    public var name: MetricName
    public var value: Double
    public var step: Int64
    public var time: Timestamp
    /// What it was measured on, such as `holdout`; empty where that was not said.
    ///
    /// The same metric on another data set is another series.
    public var dataSet: String

    public init(
        name: MetricName,
        value: Double,
        step: Int64,
        time: Timestamp,
        dataSet: String = ""
    ) {
        self.name = name
        self.value = value
        self.step = step
        self.time = time
        self.dataSet = dataSet
    }
}

/// One attempt at training: what went in, what was measured.
public struct Run: Sendable, Hashable {
    public enum Status: String, Sendable, Hashable, CaseIterable {
        case running
        case finished
        case failed
        /// Its heartbeats have stopped; what comes after all brings it back.
        case lost
    }

    public var id: RunID
    public var project: ProjectName
    public var experiment: ExperimentName
    public var name: String
    public var status: Status
    public var started: Timestamp
    public var ended: Timestamp?
    /// Written once each.
    public var params: [String: String]
    /// The last point of each metric, or every point, as asked.
    public var metrics: [Metric]
    public var tags: [String: String]
    public var trainingSet: TrainingSetID?
    public var codeRevision: String
    public var actor: String
    /// What it ran in, as given: versions, machine, settings.
    public var environment: [String: String]
    /// Between two heartbeats; none are sent where it is zero.
    public var heartbeat: TimeSpan
    /// What it read and what it made.
    public var inputs: [RunItem]
    public var outputs: [RunItem]

    public init(
        id: RunID,
        project: ProjectName,
        experiment: ExperimentName,
        name: String,
        status: Status,
        started: Timestamp,
        ended: Timestamp? = nil,
        params: [String: String] = [:],
        metrics: [Metric] = [],
        tags: [String: String] = [:],
        trainingSet: TrainingSetID? = nil,
        codeRevision: String = "",
        actor: String,
        environment: [String: String] = [:],
        heartbeat: TimeSpan = .seconds(0),
        inputs: [RunItem] = [],
        outputs: [RunItem] = []
    ) {
        self.id = id
        self.project = project
        self.experiment = experiment
        self.name = name
        self.status = status
        self.started = started
        self.ended = ended
        self.params = params
        self.metrics = metrics
        self.tags = tags
        self.trainingSet = trainingSet
        self.codeRevision = codeRevision
        self.actor = actor
        self.environment = environment
        self.heartbeat = heartbeat
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// Something that a run read or made.
public struct RunItem: Sendable, Hashable {
    /// What it is; all but `uri` is looked up and must be there.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// By its digest.
        case artifact
        case trainingSet = "training set"
        /// Of a model, as `credit@3`.
        case version
        case view
        /// Anything elsewhere; nobody looks whether it is there.
        case uri
    }

    public var kind: Kind
    /// The digest, id, name or address.
    public var target: String
    /// For people; may be empty.
    public var name: String
    /// Of an artifact; else 0.
    public var bytes: UInt64

    public init(kind: Kind, target: String, name: String = "", bytes: UInt64 = 0) {
        self.kind = kind
        self.target = target
        self.name = name
        self.bytes = bytes
    }
}
