public import Domain

/// Where a server listens: `alula://HOST:PORT`, or `alulas://HOST:PORT` where it speaks TLS.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    public static let defaultPort = 7461

    public var host: String
    public var port: Int
    /// Whether calls go through TLS.
    public var isSecure: Bool

    public init(
        host: String = "127.0.0.1",
        port: Int = ServerAddress.defaultPort,
        isSecure: Bool = false
    ) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    /// Reads `alula://HOST:PORT` or `alulas://HOST:PORT`; the scheme and the port may be left out, an IPv6 address stands
    /// in brackets.
    public init(text: String) throws(AlulaError) {
        let problem = AlulaError.invalid(
            "\"\(text)\" is not a server's address: expected alula://HOST:PORT, or alulas:// for TLS",
            help: "such as alula://127.0.0.1:7461"
        )
        var rest = Substring(text)
        if let scheme = rest.firstRange(of: "://") {
            switch rest[..<scheme.lowerBound] {
            case "alula": isSecure = false
            case "alulas": isSecure = true
            default: throw problem
            }
            rest = rest[scheme.upperBound...]
        } else {
            isSecure = false
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let port: Substring?
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<close])
            let tail = rest[rest.index(after: close)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw problem }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = rest.lastIndex(of: ":") {
            host = String(rest[..<colon])
            port = rest[rest.index(after: colon)...]
        } else {
            host = String(rest)
            port = nil
        }
        self.port = ServerAddress.defaultPort
        if let port {
            guard let number = UInt16(port), number > 0 else { throw problem }
            self.port = Int(number)
        }
        guard !host.isEmpty, !host.contains("/") else { throw problem }
    }

    public var description: String {
        "\(isSecure ? "alulas" : "alula")://" + (host.contains(":") ? "[\(host)]" : host)
            + ":\(port)"
    }
}
