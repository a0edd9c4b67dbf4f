import Catalog
package import Domain
import NIOCore
import Registry
import SwiftProtobuf
import Trust
package import Wire

/// Tokens of a data directory that no server has open: how the first one is made, and another
/// when all admins have lost theirs.
///
/// Whoever can write to the directory may do so, and is `local` in the audit log.
package struct LocalTokens {
    private let directory: DataDirectory
    private let tokens: TokenStore

    /// Locks the directory for as long as this value lives.
    ///
    /// `auditKey` is the file of the audit log's key; nil: in the directory.
    package init(dataDirectory: String, auditKey: String? = nil) throws(AlulaError) {
        directory = try DataDirectory(path: dataDirectory)
        let key = try AuditKeyFile(path: auditKey, in: directory).key
        let pool = try openCatalogPool(path: directory.catalog)
        tokens = try TokenStore(
            registry: try RegistryStore(
                pool: pool,
                // Tokens name no artifacts.
                artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
                auditKey: key
            )
        )
    }

    package func create(_ request: WireCreateTokenRequest) throws(AlulaError) -> WireToken {
        let (credential, grant) = try (request.credential, request.grant)
        return try Self.decode(
            try tokens.create(credential, grant, call: call) {
                try WireToken($0).serializedBytes()
            }
        )
    }

    package func list() throws(AlulaError) -> [WireToken] { try tokens.list().map(WireToken.init) }

    package func revoke(_ which: String) throws(AlulaError) -> [WireToken] {
        let answer: WireTokens = try Self.decode(
            try tokens.revoke(which, call: call) { revoked in
                var answer = WireTokens()
                answer.tokens = revoked.map(WireToken.init)
                return try answer.serializedBytes()
            }
        )
        return answer.tokens
    }

    private var call: WriteCall {
        WriteCall(
            requestID: [],
            identity: .local,
            project: .unnamed,
            now: .now
        )
    }

    private static func decode<M: Message>(_ bytes: [UInt8]) throws(AlulaError) -> M {
        try Messages.decode(M.self, from: ByteBuffer(bytes: bytes))
    }
}
