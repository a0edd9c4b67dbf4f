import Domain
import NIOCore
import Wire

/// The first field of every request: scope, request id, deadline.
struct CallHead: Sendable {
    var project: String
    var requestID: [UInt8]
    var timeoutMilliseconds: UInt32

    init(_ wire: WireCallHead) throws(AlulaError) {
        guard wire.requestID.isEmpty || wire.requestID.count == 16 else {
            throw .invalid("a request id has \(wire.requestID.count) bytes: expected 16")
        }
        guard wire.project.utf8.count <= Limits.nameLength else {
            throw .invalid("a project name is over \(Limits.nameLength) characters")
        }
        project = wire.project
        requestID = Array(wire.requestID)
        timeoutMilliseconds = wire.timeoutMs
    }

    /// Reads the head before anything else of the message: every request has it as its field 1.
    static func peek(_ control: ByteBuffer) throws(AlulaError) -> CallHead {
        try CallHead(Messages.decode(WireHeadOnly.self, from: control).head)
    }
}
