package import Wire

extension AlulaClient {
    package func status() async throws -> WireStatusResponse {
        try await call(.status, WireHeadOnly(), answer: WireStatusResponse.self).0
    }

    /// One definitions file, with its name for messages.
    package struct DefinitionsFile: Sendable {
        package var name: String
        package var yaml: String

        package init(name: String, yaml: String) {
            self.name = name
            self.yaml = yaml
        }
    }

    /// What `apply` would change and what it would refuse.
    package func plan(
        _ files: [DefinitionsFile],
        retire: [String] = [],
        drop: [String] = []
    ) async throws -> WireApplyResponse {
        try await call(.plan, Self.request(files, retire, drop), answer: WireApplyResponse.self).0
    }

    /// Makes the definitions so, all of them or none.
    package func apply(
        _ files: [DefinitionsFile],
        retire: [String] = [],
        drop: [String] = []
    ) async throws -> WireApplyResponse {
        try await call(.apply, Self.request(files, retire, drop), answer: WireApplyResponse.self).0
    }

    /// All definitions of the project.
    package func catalog() async throws -> WireCatalogResponse {
        try await call(.describeCatalog, WireHeadOnly(), answer: WireCatalogResponse.self).0
    }

    private static func request(
        _ files: [DefinitionsFile],
        _ retire: [String],
        _ drop: [String]
    ) -> WireApplyRequest {
        var request = WireApplyRequest()
        request.files = files.map { file in
            var wire = WireDefinitionFile()
            wire.name = file.name
            wire.yaml = file.yaml
            return wire
        }
        request.retire = retire
        request.drop = drop
        return request
    }
}
