import Domain
import Wire

/// A run, for people and for machines.
enum RunText {
    static func show(_ run: WireRun, json: Bool) {
        guard !json else { return Output.json(self.json(run)) }
        let words = [run.id, run.status, run.experiment, run.name].filter { !$0.isEmpty }
        Output.line(words.joined(separator: "  "))
        var span = "started \(Timestamp.text(run.startedUs)) by \(run.actor)"
        if run.endedUs != 0 {
            span += ", took \(TimeSpan(microseconds: run.endedUs - run.startedUs).short)"
        }
        Output.line(span)
        if !run.trainingSet.isEmpty { Output.line("training set \(run.trainingSet)") }
        if !run.codeRevision.isEmpty { Output.line("code \(run.codeRevision)") }
        for param in run.params { Output.line("param  \(param.key) = \(param.value)") }
        for metric in run.metrics {
            let on = metric.dataSet.isEmpty ? "" : " on \(metric.dataSet)"
            Output.line("metric \(metric.name)\(on) = \(metric.value) at step \(metric.step)")
        }
        for fact in run.environment { Output.line("in     \(fact.key) = \(fact.value)") }
        for item in run.inputs { Output.line("read   \(self.text(item))") }
        for item in run.outputs { Output.line("made   \(self.text(item))") }
        for tag in run.tags { Output.line("tag    \(tag.key) = \(tag.value)") }
    }

    static func json(_ run: WireRun) -> JSONValue {
        .object([
            ("id", .string(run.id)), ("experiment", .string(run.experiment)),
            ("name", .text(run.name)), ("status", .string(run.status)),
            ("started", .time(run.startedUs)), ("ended", .time(run.endedUs)),
            ("params", .pairs(run.params)), ("metrics", .array(run.metrics.map(json))),
            ("tags", .pairs(run.tags)), ("training_set", .text(run.trainingSet)),
            ("code_revision", .text(run.codeRevision)), ("actor", .string(run.actor)),
            ("environment", .pairs(run.environment)),
            ("inputs", .array(run.inputs.map(json))), ("outputs", .array(run.outputs.map(json))),
        ])
    }

    private static func text(_ item: WireRunItem) -> String {
        "\(item.kind) \(item.target)\(item.name.isEmpty ? "" : "  \(item.name)")"
    }

    private static func json(_ item: WireRunItem) -> JSONValue {
        .object([
            ("kind", .string(item.kind)), ("target", .string(item.target)),
            ("name", .text(item.name)), ("bytes", .uint(item.bytes)),
        ])
    }

    static func json(_ metric: WireMetric) -> JSONValue {
        .object([
            ("name", .string(metric.name)), ("value", .number(metric.value)),
            ("step", .int(metric.step)), ("time", .time(metric.timeUs)),
            ("data_set", .text(metric.dataSet)),
        ])
    }

    /// `auc=0.71 loss=0.2`.
    static func metrics(_ metrics: [WireMetric]) -> String {
        metrics.map { "\($0.name)\($0.dataSet.isEmpty ? "" : "@\($0.dataSet)")=\($0.value)" }
            .joined(separator: " ")
    }
}
