import Domain
import Glibc
import NIOCore

/// A host and a port as text: `127.0.0.1:7461`, `[::1]:7461`, `localhost:0`.
struct HostAndPort: Sendable, Equatable {
    var host: String
    var port: Int

    init(text: String, option: String) throws(AlulaError) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { throw .invalid("\(option) \(text): expected HOST:PORT, such as 127.0.0.1:7461") }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else {
            throw .invalid("\(option) \(text): expected HOST:PORT, such as 127.0.0.1:7461")
        }
        self.host = String(host)
        self.port = port
    }

    /// As it stands in an address: IPv6 in brackets.
    var urlHost: String { host.contains(":") ? "[\(host)]" : host }

    /// Why nothing can listen there; `option` is the one that names another place.
    func cannotListen(_ error: any Error, option: String) -> AlulaError {
        let place = "cannot listen on \(urlHost):\(port)"
        guard let failure = error as? IOError,
            let reason = unsafe strerror(failure.errnoCode).map({ unsafe String(cString: $0) })
        else { return AlulaError(.unavailable, "\(place): \(error)", retry: .never) }
        return AlulaError(
            .unavailable,
            "\(place): \(reason)",
            help: failure.errnoCode == EADDRINUSE
                ? "is another server using the port? choose one with \(option)"
                : "choose an address of this machine with \(option)",
            retry: .never
        )
    }

    /// Whether only this machine can reach it.
    var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
