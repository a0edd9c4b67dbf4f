import Catalog
import Codec
import Domain
import NIOCore
import Served
import Wire

/// Counts what a logged read of a model was refused, by version.
struct RefusedReads {
    private let services: Services
    private let call: Call
    private let request: WireReadRequest
    /// Nil for what is not logged.
    private let choice: ServedModels.Choice?

    init(_ services: Services, _ call: Call) throws {
        self.services = services
        self.call = call
        request = try Messages.decode(WireReadRequest.self, from: call.control)
        let project = try services.catalog.snapshot.project(request.head.project)
        choice =
            request.log && !request.model.isEmpty
            ? try ServedModels.Choice(request, project: project.name) : nil
    }

    func add(_ rows: Int, version: UInt32) {
        guard let choice else { return }
        let name = ServedModel.Name(choice.project, choice.model)
        services.served.refuse(max(1, rows), of: name, version: version)
    }

    /// All of it, where one version would have answered; of several each counts its own.
    func addWhole() throws {
        guard let choice,
            let answer = try services.servedModels.answer(choice, mayBlock: true),
            answer.holders.count == 1, !(request.shadow && answer.shadow != nil)
        else { return }
        add(rows, version: answer.holders[0].version.number)
    }

    /// As many as the batch says; 1 where it says nothing that can be read.
    private var rows: Int {
        let count = Result { () throws(AlulaError) in
            let schema = try Schema(wire: request.schema)
            return try unsafe call.data.withUnsafeReadableBytes { raw throws(AlulaError) in
                try unsafe BatchCodec.decode(raw, schema: schema, maxRows: Limits.readKeys).rowCount
            }
        }
        guard case .success(let rows) = count else { return 1 }
        return rows
    }
}
