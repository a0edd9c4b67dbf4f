package import Wire

extension AlulaClient {
    /// How the columns of a training set are distributed.
    package func profile(trainingSet id: String) async throws -> WireProfile {
        var request = WireProfileRequest()
        request.trainingSet = id
        return try await call(.profile, request, answer: WireProfile.self).0
    }

    /// How what came in a span of time is distributed.
    package func profile(_ request: WireProfileSpanRequest) async throws -> WireProfileSpan {
        try await call(.profileSpan, request, answer: WireProfileSpan.self).0
    }

    /// How what was served, or a training set, moved against a reference.
    package func drift(_ request: WireDriftRequest) async throws -> WireDrift {
        try await call(.drift, request, answer: WireDrift.self).0
    }

    /// The monitors in force and where they stand.
    package func monitors() async throws -> [WireMonitor] {
        let request = WireListMonitorsRequest()
        return try await call(.listMonitors, request, answer: WireMonitors.self).0.monitors
    }

    /// What a monitor would have said at a time.
    package func tryMonitor(
        _ name: String,
        at microseconds: Int64
    ) async throws -> WireMonitorTrial {
        var request = WireTryMonitorRequest()
        request.name = name
        request.timeUs = microseconds
        return try await call(.tryMonitor, request, answer: WireMonitorTrial.self).0
    }

    /// How well what a model answered came true.
    package func performance(
        _ request: WirePerformanceRequest
    ) async throws -> WirePerformance {
        try await call(.performance, request, answer: WirePerformance.self).0
    }
}
