import Catalog
import Domain
import Registry
import Wire

extension Dispatcher {
    /// Begins a watch, which the hub serves until the client cancels it.
    func watch(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireWatchRequest.self, from: call.control)
        let newest = services.registry.events.revision
        guard request.fromNow || request.after <= newest else {
            throw AlulaError(
                .outOfRange,
                "there is no revision \(request.after) yet: the newest event is \(newest)",
                help:
                    "this may be another server, or one that was restored: read the present state, "
                    + "then watch from now"
            )
        }
        services.watches.add(
            Watch(
                call: call,
                project: try project(of: request.head),
                model: request.model.isEmpty
                    ? nil : try RegisteredModelName(request.model, as: "model"),
                after: request.fromNow ? newest : request.after
            )
        )
        return .open
    }
}
