package import Wire

/// Deleting records for good; with `dryRun` nothing is changed.
extension AlulaClient {
    package func deleteRun(_ id: String, dryRun: Bool) async throws -> WireDeletion {
        var request = WireDeleteRunRequest()
        request.run = id
        request.dryRun = dryRun
        return try await call(.deleteRun, request, answer: WireDeletion.self).0
    }

    package func deleteTrainingSet(_ id: String, dryRun: Bool) async throws -> WireDeletion {
        var request = WireDeleteTrainingSetRequest()
        request.trainingSet = id
        request.dryRun = dryRun
        return try await call(.deleteTrainingSet, request, answer: WireDeletion.self).0
    }

    package func deleteVersion(
        _ version: UInt32,
        of model: String,
        dryRun: Bool
    ) async throws -> WireDeletion {
        var request = WireDeleteVersionRequest()
        request.model = model
        request.version = version
        request.dryRun = dryRun
        return try await call(.deleteVersion, request, answer: WireDeletion.self).0
    }
}
