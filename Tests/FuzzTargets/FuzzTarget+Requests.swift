import Codec
import Domain
import NIOCore
import SwiftProtobuf
import Wire

extension FuzzTarget {
    /// The first byte chooses the message.
    static func requests(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let decoders: [([UInt8]) -> Void] = [
            decode(WireHeadOnly.self), decode(WireApplyRequest.self),
            { bytes in
                guard let push = message(WirePushRequest.self, bytes) else { return }
                schema(push.schema)
            },
            decode(WireBeginImportRequest.self), decode(WireStageRowsRequest.self),
            decode(WireMaterializeRequest.self), decode(WireReadRequest.self),
            decode(WireHistoryRequest.self), decode(WireExportRequest.self),
            decode(WireMakeTrainingSetRequest.self), decode(WireStartRunRequest.self),
            decode(WireLogRunRequest.self), decode(WireListRunsRequest.self),
            decode(WireRegisterVersionRequest.self), decode(WirePromoteRequest.self),
            decode(WireCreateTokenRequest.self), decode(WirePutArtifactRequest.self),
            decode(WireForgetRequest.self), decode(WireRetractRequest.self),
            decode(WireBackupRequest.self), decode(WireWatchRequest.self),
        ]
        decoders[Int(first) % decoders.count](Array(bytes.dropFirst()))
    }

    private static func decode<M: Message>(_ type: M.Type) -> ([UInt8]) -> Void {
        { bytes in _ = message(type, bytes) }
    }

    private static func message<M: Message>(_ type: M.Type, _ bytes: [UInt8]) -> M? {
        guard let message = try? Messages.decode(type, from: ByteBuffer(bytes: bytes)) else {
            return nil
        }
        // What is written again reads the same.
        let again = try? message.serializedBytes() as [UInt8]
        let decoded = again.flatMap { try? Messages.decode(type, from: $0) }
        precondition((try? decoded?.serializedBytes() as [UInt8]?) == again)
        return message
    }

    private static func schema(_ wire: WireSchema) { _ = try? Schema(wire: wire) }
}
