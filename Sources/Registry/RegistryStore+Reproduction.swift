package import Domain

extension RegistryStore {
    /// Notes what became of making a training set again, for gates; the newest try counts.
    package func record(_ fact: ReproductionFact, call: WriteCall) throws(AlulaError) {
        try act { tables in
            try tables.requireTrainingSet(fact.trainingSet, in: call.project)
            try tables.put(fact)
            try tables.audit(
                "reproduce",
                "training-set:\(fact.trainingSet)",
                ["state": fact.state.rawValue, "log_entry": String(fact.logEntry)],
                call
            )
        }
    }

    /// Its first bytes, some hundred; none where it is not in the store.
    package func firstBytes(of digest: ContentDigest) throws -> [UInt8] {
        try artifacts.firstBytes(digest)
    }

    /// Of every stage, the oldest first.
    package func approvals(
        of number: UInt32,
        model name: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> [Approval] {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            let version = try tables.requireVersion(number, of: model)
            return try tables.approvals(of: version, in: model)
        }
    }
}
