import Domain
import Tabular
import Wire

/// A version of a model, for people and for machines.
enum VersionText {
    static func show(_ version: WireModelVersion, json: Bool) {
        guard !json else { return Output.json(self.json(version)) }
        Output.line("\(version.model) version \(version.version), stage \(version.stage)")
        if !version.description_p.isEmpty { Output.line(version.description_p) }
        Output.line("registered \(Timestamp.text(version.registeredUs)) by \(version.actor)")
        Output.line("run          \(version.run)")
        if !version.trainingSet.isEmpty { Output.line("training set \(version.trainingSet)") }
        if !version.service.isEmpty { Output.line("service      \(version.service)") }
        if !version.codeRevision.isEmpty { Output.line("code         \(version.codeRevision)") }
        for param in version.params { Output.line("param  \(param.key) = \(param.value)") }
        for metric in version.metrics { Output.line("metric \(metric.name) = \(metric.value)") }
        for tag in version.tags { Output.line("tag    \(tag.key) = \(tag.value)") }
        guard !version.artifacts.isEmpty else { return }
        var table = TextTable([("artifact", .left), ("size", .right), ("digest", .left)])
        for artifact in version.artifacts {
            table.add([artifact.name, byteText(artifact.bytes), artifact.digest])
        }
        Output.table(table)
    }

    static func json(_ version: WireModelVersion) -> JSONValue {
        .object([
            ("model", .string(version.model)), ("version", .uint(UInt64(version.version))),
            ("stage", .string(version.stage)), ("run", .string(version.run)),
            ("training_set", .text(version.trainingSet)), ("service", .text(version.service)),
            (
                "artifacts",
                .array(
                    version.artifacts.map { artifact in
                        .object([
                            ("name", .string(artifact.name)), ("digest", .string(artifact.digest)),
                            ("bytes", .uint(artifact.bytes)),
                        ])
                    }
                )
            ), ("params", .pairs(version.params)),
            ("metrics", .array(version.metrics.map(RunText.json))),
            ("code_revision", .text(version.codeRevision)),
            ("description", .text(version.description_p)), ("tags", .pairs(version.tags)),
            ("registered", .time(version.registeredUs)), ("actor", .string(version.actor)),
            ("training_digest", .text(version.trainingDigest)),
            ("log_entry", version.logEntry == 0 ? .null : .uint(version.logEntry)),
        ])
    }
}
