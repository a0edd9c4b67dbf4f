import Domain
import Registry
import Releases
import Wire

extension WireKeyValue {
    init(_ key: String, _ value: String) {
        self.init()
        self.key = key
        self.value = value
    }

    /// In the order of the keys, so that equal answers are equal bytes.
    static func list(_ pairs: [String: String]) -> [WireKeyValue] {
        pairs.sorted { $0.key < $1.key }.map { WireKeyValue($0.key, $0.value) }
    }
}

extension [String: String] {
    /// Refuses a key that is there twice.
    init(wire: [WireKeyValue], as what: String) throws(AlulaError) {
        self.init(minimumCapacity: wire.count)
        for pair in wire {
            guard updateValue(pair.value, forKey: pair.key) == nil else {
                throw .invalid("\(what) \"\(pair.key)\" is there twice")
            }
        }
    }
}

extension WireMetric {
    init(_ metric: Metric) {
        self.init()
        name = metric.name.text
        value = metric.value
        step = metric.step
        timeUs = metric.time.microseconds
        dataSet = metric.dataSet
    }
}

extension Metric {
    init(wire: WireMetric) throws(AlulaError) {
        self.init(
            name: try MetricName(wire.name, as: "metric"),
            value: wire.value,
            step: wire.step,
            time: Timestamp(microseconds: wire.timeUs),
            dataSet: wire.dataSet
        )
    }
}

extension WireRun {
    init(_ run: Run) {
        self.init()
        id = run.id.text
        experiment = run.experiment.text
        name = run.name
        status = run.status.rawValue
        startedUs = run.started.microseconds
        endedUs = run.ended?.microseconds ?? 0
        params = WireKeyValue.list(run.params)
        metrics = run.metrics.map(WireMetric.init)
        tags = WireKeyValue.list(run.tags)
        trainingSet = run.trainingSet?.text ?? ""
        codeRevision = run.codeRevision
        actor = run.actor
        environment = WireKeyValue.list(run.environment)
        heartbeatSeconds = UInt32(clamping: run.heartbeat.microseconds / 1_000_000)
        inputs = run.inputs.map(WireRunItem.init)
        outputs = run.outputs.map(WireRunItem.init)
    }
}

extension WireRunItem {
    init(_ item: RunItem) {
        self.init()
        kind = item.kind.rawValue
        target = item.target
        name = item.name
        bytes = item.bytes
    }
}

extension RunItem {
    init(wire: WireRunItem) throws(AlulaError) {
        guard let kind = Kind(rawValue: wire.kind) else {
            throw .invalid(
                "an input or output is one of \(Kind.allCases.map(\.rawValue).joined(separator: ", ")), "
                    + "not \"\(wire.kind)\""
            )
        }
        self.init(kind: kind, target: wire.target, name: wire.name)
    }
}

extension WireModelVersion {
    /// `trainingSet` is the record of the version's training set, where it has one.
    init(_ version: ModelVersion, trainingSet record: TrainingSetRecord?) {
        self.init()
        model = version.model.text
        self.version = version.number
        stage = version.stage.text
        run = version.run.text
        trainingSet = version.trainingSet?.text ?? ""
        service = version.service?.description ?? ""
        artifacts = version.artifacts.map(WireVersionArtifact.init)
        params = WireKeyValue.list(version.params)
        metrics = version.metrics.map(WireMetric.init)
        codeRevision = version.codeRevision
        description_p = version.description
        tags = WireKeyValue.list(version.tags)
        registeredUs = version.registered.microseconds
        actor = version.actor
        trainingDigest = record?.digest.description ?? ""
        logEntry = record?.logEntry ?? 0
    }
}

extension WireVersionArtifact {
    init(_ artifact: ModelVersion.Artifact) {
        self.init()
        name = artifact.name
        digest = artifact.digest.description
        bytes = artifact.bytes
        directory = artifact.isDirectory
    }
}

extension WireRegisteredModel {
    init(_ model: RegisteredModel) {
        self.init()
        name = model.name.text
        revision = model.revision
        newestVersion = model.newestVersion
        aliases = model.aliases.map(WireModelAlias.init)
        stages = model.stages.map(WireStageDefinition.init)
        holders = model.holders.map(WireStageHolder.init)
        shadows = model.shadows.map(WireStageHolder.init)
    }
}

extension WireStageHolder {
    init(_ holder: StageHolder) {
        self.init()
        stage = holder.stage.text
        version = holder.version
        sinceUs = holder.since.microseconds
        previous = holder.previous ?? 0
        share = holder.share.hundredths
    }
}

extension WirePromoteResponse {
    init(_ outcome: PromotionOutcome) {
        self.init()
        passed = outcome.passed
        revision = outcome.revision
        stage = outcome.stage.text
        version = outcome.version
        previous = outcome.previous ?? 0
        from = outcome.from.text
        shadow = outcome.shadow ?? 0
        shares = outcome.split.parts.map { part in
            var wire = WireVersionShare()
            wire.version = part.version
            wire.share = part.share.hundredths
            return wire
        }
        gateVersion = outcome.verdict.gateVersion ?? 0
        rules = outcome.verdict.rules.map { rule in
            var wire = WireRuleVerdict()
            wire.rule = rule.rule
            wire.outcome = rule.outcome.rawValue
            wire.reason = rule.reason
            return wire
        }
    }
}

extension WireAuditEntry {
    init(_ entry: AuditEntry) {
        self.init()
        number = entry.number
        timeUs = entry.time.microseconds
        actor = entry.actor
        verified = entry.isVerified
        act = entry.act
        object = entry.object
        detail = entry.detail
        requestID = hexadecimal(entry.requestID)
        project = entry.project
        before = entry.before
        after = entry.after
        verdict = entry.verdict
        hash = hexadecimal(entry.hash)
    }
}
