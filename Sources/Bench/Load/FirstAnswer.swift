package import Client
package import Domain
import Glibc
import NIOCore
import Wire

extension ReadFrames {
    /// Reads once, decodes all of the answer, and answers the plan, which later answers leave out.
    package func firstAnswer(from address: ServerAddress) throws(AlulaError) -> CachedPlan {
        let frames = try make(knownPlan: 0)
        var bytes = frames.templates[0].bytes
        if let ids = frames.templates[0].ids, let table = frames.table {
            var random = RandomStream(seed: seed)
            bytes.withUnsafeMutableBytes { bytes in
                if let base = bytes.baseAddress {
                    table.fill(base + ids, count: entities, &random)
                }
            }
        }
        let descriptor = try Sockets.connect(to: address)
        let connection = LoadConnection(descriptor: descriptor, largestRequest: 1)
        connection.call = 1
        connection.isSample = true
        Sockets.setReceiveTimeout(descriptor, milliseconds: 60_000)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                send(
                    descriptor,
                    bytes.baseAddress.map { $0 + sent },
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { throw Sockets.failed("send a request") }
            sent += count
        }
        return try receiveFirst(connection)
    }

    private func receiveFirst(_ connection: LoadConnection) throws(AlulaError) -> CachedPlan {
        var answer = ReadAnswer(plan: nil)
        var scratch = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(connection.descriptor, &scratch, scratch.count, 0)
            guard count > 0 else { throw Sockets.failed("receive the first answer") }
            var at = 0
            var isBroken = false
            while at < count {
                let ended = scratch.withUnsafeBytes { bytes in
                    bytes.baseAddress.flatMap {
                        connection.take($0, &at, upTo: count, isBroken: &isBroken)
                    }
                }
                guard !isBroken else {
                    throw AlulaError(.dataLoss, "the server's answer is no frame of the call")
                }
                guard let ended else { continue }
                if ended == .failure { throw try Failures.decode(connection.control) }
                let message = try Messages.decode(
                    WireReadResponse.self,
                    from: ByteBuffer(bytes: connection.control)
                )
                let data = ByteBuffer(bytes: connection.data)
                guard ended == .response else {
                    try answer.take(message, data)
                    continue
                }
                let vectors = try answer.finish(message, data)
                guard vectors.batch.rowCount == entities, let plan = answer.plan else {
                    throw AlulaError(.internal, "the first answer lacks rows or its plan")
                }
                return plan
            }
        }
    }
}
