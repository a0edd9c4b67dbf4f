import Domain
import Glibc
import NIOSSL
import Synchronization
import Wire

/// Where the server's certificate is, as PEM files.
package struct CertificateFiles: Sendable, Hashable {
    /// The server's certificate, and those between it and its authority.
    package var chain: String
    package var key: String
    /// The authorities of client certificates; nil asks clients for none.
    package var clientAuthorities: String?

    package init(chain: String, key: String, clientAuthorities: String? = nil) {
        self.chain = chain
        self.key = key
        self.clientAuthorities = clientAuthorities
    }
}

/// The server's certificate as connections take it: read again when its files change, without a
/// restart.
///
/// Connections that are open keep what they began with.
final class Certificates: Sendable {
    struct Contexts: Sendable {
        var calls: NIOSSLContext
        var http: NIOSSLContext
    }

    private struct State {
        var contexts: Contexts
        var stamps: [FileStamp]
    }

    /// The protocol that a client must name in its handshake, so that nothing meant for another
    /// server is taken here.
    static let callProtocol = "alula/1"

    private let files: CertificateFiles
    private let state: Mutex<State>

    init(_ files: CertificateFiles) throws(AlulaError) {
        self.files = files
        let stamps = Self.stamps(files)
        state = Mutex(State(contexts: try Self.read(files), stamps: stamps))
    }

    var contexts: Contexts { state.withLock { $0.contexts } }

    /// Reads the files where one has changed, or where it must; true where they were taken.
    ///
    /// Throws where they do not fit together, and goes on with what it has: it is tried again with
    /// their next change.
    func reload(evenIfUnchanged: Bool = false) throws(AlulaError) -> Bool {
        let stamps = Self.stamps(files)
        let isChanged = state.withLock { state in
            defer { state.stamps = stamps }
            return state.stamps != stamps
        }
        guard isChanged || evenIfUnchanged else { return false }
        let contexts = try Self.read(files)
        state.withLock { $0.contexts = contexts }
        return true
    }

    private static func read(_ files: CertificateFiles) throws(AlulaError) -> Contexts {
        for path in [files.chain, files.key, files.clientAuthorities].compactMap(\.self)
        where unsafe access(path, R_OK) != 0 {
            throw .refused(
                "\(path) cannot be read: \(unsafe String(cString: strerror(errno)))",
                help: "PEM files are expected: --tls-cert, --tls-key, --tls-client-ca"
            )
        }
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(files.chain).map {
                    .certificate($0)
                },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
            )
            configuration.minimumTLSVersion = .tlsv13
            configuration.applicationProtocols = ["http/1.1"]
            let http = try NIOSSLContext(configuration: configuration)
            configuration.applicationProtocols = [callProtocol]
            if let authorities = files.clientAuthorities {
                configuration.trustRoots = .certificates(
                    try NIOSSLCertificate.fromPEMFile(authorities)
                )
                configuration.certificateVerification = .optionalVerification
            }
            return Contexts(calls: try NIOSSLContext(configuration: configuration), http: http)
        } catch {
            throw .refused(
                "the certificate \(files.chain) with the key \(files.key) cannot be used: "
                    + SecureTransportText.reason(error),
                help: "PEM files are expected that belong together: --tls-cert, --tls-key, "
                    + "--tls-client-ca"
            )
        }
    }

    private static func stamps(_ files: CertificateFiles) -> [FileStamp] {
        [files.chain, files.key, files.clientAuthorities].compactMap(\.self).map(FileStamp.init)
    }
}

/// What tells that a file is another than before.
private struct FileStamp: Equatable {
    var inode: UInt64 = 0
    var size: Int64 = 0
    var seconds = 0
    var nanoseconds = 0

    init(_ path: String) {
        var figures = stat()
        guard unsafe stat(path, &figures) == 0 else { return }
        inode = UInt64(figures.st_ino)
        size = Int64(figures.st_size)
        seconds = figures.st_mtim.tv_sec
        nanoseconds = figures.st_mtim.tv_nsec
    }
}
