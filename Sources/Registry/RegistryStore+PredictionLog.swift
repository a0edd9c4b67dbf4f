package import Domain

/// What is set for the prediction log of a model.
package struct PredictionLogSetting: Sendable, Hashable {
    /// The share of keys that is kept.
    package var rate: Double
    /// Nil is for ever.
    package var keep: TimeSpan?

    package init(rate: Double, keep: TimeSpan?) {
        self.rate = rate
        self.keep = keep
    }

    fileprivate var text: String {
        "rate \(rate), kept \(keep.map { "for \($0)" } ?? "for ever")"
    }
}

extension RegistryStore {
    /// Notes in the audit log what is about to be set for a model's prediction log, and what was;
    /// once, where the call is repeated with its request id.
    package func record(
        _ setting: PredictionLogSetting,
        after before: PredictionLogSetting,
        of model: RegisteredModelName,
        call: WriteCall
    ) throws(AlulaError) {
        guard setting != before else { return }
        let (name, object) = ("set prediction log", "model:\(model)")
        try act { tables in
            guard try !tables.hasAudited(name, object, call) else { return }
            try tables.audit(
                name,
                object,
                ["project": call.project.text],
                call,
                change: AuditChange(before: before.text, after: setting.text)
            )
        }
    }
}
