import Domain
import Registry
import SwiftProtobuf
import Wire

extension Dispatcher {
    func setAlias(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireSetAliasRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.registry.setAlias(
            try AliasName(request.alias, as: "alias"),
            to: request.version,
            of: try RegisteredModelName(request.model, as: "model"),
            isProtected: try request.protection.setting,
            expectedRevision: request.expectedRevision == 0 ? nil : request.expectedRevision,
            call: try writeCall(call, head)
        ) { try WireModelAlias($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func deleteAlias(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireDeleteAliasRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.registry.deleteAlias(
            try AliasName(request.alias, as: "alias"),
            of: try RegisteredModelName(request.model, as: "model"),
            call: try writeCall(call, head)
        ) { try WireModelAlias($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func listAliases(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListAliasesRequest.self, from: call.control)
        var answer = WireModelAliases()
        answer.aliases = try services.registry.aliases(
            of: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head)
        ).map(WireModelAlias.init)
        return try Answer(answer)
    }
}

extension WireProtection {
    /// Nil where it is to stay as it is.
    fileprivate var setting: Bool? {
        get throws(AlulaError) {
            switch self {
            case .asItIs: nil
            case .on: true
            case .off: false
            case .UNRECOGNIZED(let code): throw .invalid("protection \(code) is not known")
            }
        }
    }
}
