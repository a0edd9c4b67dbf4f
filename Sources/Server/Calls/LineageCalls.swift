import Domain
import Registry
import Wire

extension Dispatcher {
    func lineage(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireLineageRequest.self, from: call.control)
        let lineage = try services.registry.lineage(
            of: request.version,
            model: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head)
        )
        return try Answer(WireLineage(lineage))
    }
}
