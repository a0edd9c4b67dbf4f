package import Domain

/// What deletion needs of training sets: which ones there are to look at, and their spines with
/// rows blanked.
extension RegistryStore {
    /// The sets of every project whose service reads a view of this entity, the oldest first.
    package func trainingSets(using entity: EntityID) throws(AlulaError) -> [TrainingSetRecord] {
        try read { try $0.trainingSets(reading: "projection.entity = ?", entity.number) }
    }

    /// The sets of every project whose service reads this view, the oldest first.
    package func trainingSets(using view: FeatureViewID) throws(AlulaError) -> [TrainingSetRecord] {
        try read { try $0.trainingSets(reading: "projection.view = ?", view.number) }
    }

    /// Names another artifact as the spine of a set, in which this many rows more are blanked.
    ///
    /// Done already, it changes nothing. Throws `aborted` where the spine is neither the old one
    /// nor the new one. The old artifact is noted as discarded in the same transaction.
    ///
    /// - Returns: the old artifact where nothing names it any more, so that its file can go.
    @discardableResult
    package func replaceSpine(
        of id: TrainingSetID,
        replacing old: ContentDigest,
        with new: ContentDigest,
        blankedRows: UInt64,
        call: WriteCall
    ) throws(AlulaError) -> ContentDigest? {
        guard try size(of: new) != nil else {
            throw .refused("the spine \(new) is not in the store")
        }
        var unnamed: ContentDigest?
        try act { tables in
            guard let record = try tables.trainingSet(id) else {
                throw AlulaError.notFound("there is no training set \(id)")
            }
            guard record.spineArtifact != new else { return }
            guard record.spineArtifact == old else {
                throw AlulaError(
                    .aborted,
                    "the spine of \(id) is \(record.spineArtifact), not \(old): it has changed "
                        + "since it was read"
                )
            }
            try tables.replaceSpine(of: id, with: new, blankedRows: blankedRows)
            try tables.discard(old)
            if try tables.discarded().contains(old) { unnamed = old }
            try tables.audit(
                "blank spine",
                "training-set:\(id)",
                ["project": record.project.text, "rows": String(blankedRows)],
                call
            )
        }
        return unnamed
    }

    /// Replaced spines that nothing names any more and whose files may still be there.
    package func discardedArtifacts() throws(AlulaError) -> [ContentDigest] {
        try read { try $0.discarded() }
    }

    /// Strikes an artifact whose file is gone from the list.
    package func artifactIsGone(_ digest: ContentDigest) throws(AlulaError) {
        try act { try $0.strikeDiscarded(digest) }
    }

    private func size(of digest: ContentDigest) throws(AlulaError) -> UInt64? {
        do {
            return try artifactSize(digest)
        } catch {
            throw storageFailure(error)
        }
    }
}
