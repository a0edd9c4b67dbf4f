package import Wire

extension AlulaClient {
    /// How the columns of a training set are distributed.
    package func profile(trainingSet id: String) async throws -> WireProfile {
        var request = WireProfileRequest()
        request.trainingSet = id
        return try await call(.profile, request, answer: WireProfile.self).0
    }

    /// How what was served, or a training set, moved against a reference.
    package func drift(_ request: WireDriftRequest) async throws -> WireDrift {
        try await call(.drift, request, answer: WireDrift.self).0
    }

    /// How well what a model answered came true.
    package func performance(
        _ request: WirePerformanceRequest
    ) async throws -> WirePerformance {
        try await call(.performance, request, answer: WirePerformance.self).0
    }
}
