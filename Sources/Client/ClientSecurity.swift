package import Domain
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Wire

/// How a client shows who it is, and how it knows its server.
public struct ClientSecurity: Sendable, Hashable {
    /// `alula_…`, as `alula token create` showed it.
    public var token: String?
    /// The authorities that a server's certificate may be of, a PEM file; nil is the system's.
    public var authorities: String?
    /// The client's own certificate and its key, PEM files.
    public var certificate: String?
    public var key: String?

    public init(
        token: String? = nil,
        authorities: String? = nil,
        certificate: String? = nil,
        key: String? = nil
    ) {
        self.token = token
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }
}

extension ClientSecurity {
    /// What the server must name in the handshake.
    private static let callProtocol = "alula/1"

    /// Throws where a token would travel in the clear.
    func check(_ address: ServerAddress) throws(AlulaError) {
        guard token != nil, !address.isSecure, !address.isLoopback else { return }
        throw .refused(
            "a token is not sent to \(address) in the clear: anybody on the way could take it",
            help: "use alulas://, with --tls-ca (ALULA_TLS_CA) where the certificate is your own"
        )
    }

    func context() throws(AlulaError) -> NIOSSLContext {
        guard (certificate == nil) == (key == nil) else {
            throw .invalid(
                "a client's certificate goes with its key",
                help: "give both: --tls-cert and --tls-key"
            )
        }
        for path in [authorities, certificate, key].compactMap(\.self)
        where unsafe access(path, R_OK) != 0 {
            throw .invalid(
                "\(path) cannot be read: \(unsafe String(cString: strerror(errno)))",
                help: "PEM files are expected: --tls-ca, --tls-cert, --tls-key"
            )
        }
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv13
            configuration.applicationProtocols = [Self.callProtocol]
            if let authorities {
                configuration.trustRoots = .certificates(
                    try NIOSSLCertificate.fromPEMFile(authorities)
                )
            }
            if let certificate, let key {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map
                {
                    .certificate($0)
                }
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(file: key, format: .pem)
                )
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .refused(
                "the certificates given cannot be used: \(SecureTransportText.reason(error))",
                help: "PEM files are expected: --tls-ca, --tls-cert, --tls-key"
            )
        }
    }

    /// The public key of a certificate, DER: what a token may stand for instead of a secret.
    package static func publicKey(ofCertificate path: String) throws(AlulaError) -> [UInt8] {
        do {
            guard let leaf = try NIOSSLCertificate.fromPEMFile(path).first else {
                throw AlulaError.invalid("\(path) holds no certificate")
            }
            return try leaf.extractPublicKey().toSPKIBytes()
        } catch let error as AlulaError {
            throw error
        } catch {
            throw .invalid(
                "\(path) is not a certificate in PEM: \(SecureTransportText.reason(error))"
            )
        }
    }
}

extension ServerAddress {
    /// Whether it is on this machine.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// The name to be found in the server's certificate; nil where its number is.
    var certificateName: String? {
        (try? SocketAddress(ipAddress: host, port: port)) == nil ? host : nil
    }

    /// Why the connection could not be made or was lost.
    func failure(_ error: any Error) -> AlulaError {
        guard error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError else {
            return AlulaError(.unavailable, "the connection to \(self) was lost")
        }
        let reason = SecureTransportText.reason(error)
        return AlulaError(
            .unauthenticated,
            "TLS with \(self) failed: \(reason)",
            help: reason == "wrong version number"
                ? "a server without TLS is alula://\(host):\(port)"
                : "is its certificate of an authority that is trusted here (--tls-ca, "
                    + "ALULA_TLS_CA), and for this name?"
        )
    }
}
