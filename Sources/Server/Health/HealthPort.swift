import Domain
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Trust

/// The HTTP port: `/healthz` answers 200 while the process runs, `/readyz` 200 while it takes reads
/// and writes and 503 otherwise, `/metrics` is for Prometheus.
///
/// The first two say a code only.
struct HealthPort: Service {
    let address: HostAndPort
    let services: Services
    let workers: Workers
    let certificates: Certificates?
    let logger: Logger
    let announce: @Sendable (String) -> Void

    /// How long a connection may say nothing.
    private static let idleSeconds: Int64 = 60

    func run() async throws {
        let router = Router()
        for route in HTTPRoute.allCases {
            router.get(RouterPath(route.path)) { request, _ in await answer(route, request) }
        }
        var quiet = Logger(label: "alula.http") { StreamLogHandler.standardError(label: $0) }
        quiet.logLevel = .error
        let announce = announce
        let host = address.urlHost
        let scheme = certificates == nil ? "http" : "https"
        let application = Application(
            router: router,
            server: server,
            configuration: .init(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    Limits.httpConnections,
                    logger: quiet
                )
            ),
            onServerRunning: { channel in
                announce("health on \(scheme)://\(host):\(channel.localAddress?.port ?? 0)")
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch {
            throw address.cannotListen(error, option: "--http")
        }
    }

    private var server: HTTPServerBuilder {
        HTTPServerBuilder { [certificates] responder in
            let plain = HTTP1Channel(
                responder: responder,
                configuration: .init(idleTimeout: .seconds(Self.idleSeconds))
            )
            guard let certificates else { return plain }
            return SecureHTTP(plain: plain, certificates: certificates)
        }
    }

    private func answer(_ route: HTTPRoute, _ request: Request) async -> Response {
        guard isAllowed(route, request) else {
            services.figures.refusals.add(1, ordering: .relaxed)
            return Response(status: .unauthorized, headers: [.wwwAuthenticate: "Bearer"])
        }
        switch route {
        case .healthz:
            return Response(status: .ok)
        case .readyz:
            return Response(status: services.notReady() == nil ? .ok : .serviceUnavailable)
        case .metrics:
            return await metrics()
        }
    }

    /// Whoever shows a token with the permission; on this machine, whoever asks by an address or
    /// `localhost`.
    ///
    /// Any other name may be that of a page in a browser, which has it lead here.
    private func isAllowed(_ route: HTTPRoute, _ request: Request) -> Bool {
        guard let permission = route.permission else { return true }
        if address.isLoopback, Self.isOwnName(request.head.authority) { return true }
        guard let header = request.headers[.authorization], header.hasPrefix("Bearer "),
            let credential = Credential(tokenText: String(header.dropFirst("Bearer ".count))),
            let token = services.tokens.book.token(of: credential, at: services.now())
        else { return false }
        return token.identity.may(permission) && token.identity.scope.isEverything
    }

    /// Whether it is `localhost` or an address, with a port or without; a request that names no host is no
    /// browser's.
    static func isOwnName(_ authority: String?) -> Bool {
        guard let authority, !authority.isEmpty else { return true }
        if authority.hasPrefix("[") { return true }
        let host = authority.prefix { $0 != ":" }
        return host == "localhost" || host.utf8.allSatisfy { "0123456789.".utf8.contains($0) }
    }

    private func metrics() async -> Response {
        let made: Result<String, AlulaError> = await withCheckedContinuation { continuation in
            let body: @Sendable () -> Void = { [services, workers] in
                continuation.resume(
                    returning: Result { () throws(AlulaError) in
                        try MetricsPage.make(services, workers)
                    }
                )
            }
            if !workers.run(.short, bytes: 0, body) {
                continuation.resume(
                    returning: .failure(AlulaError(.resourceExhausted, "too many calls wait"))
                )
            }
        }
        switch made {
        case .success(let text):
            return Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: text))
            )
        case .failure(let error):
            logger.error("metrics could not be made", metadata: ["error": "\(error)"])
            return Response(status: .serviceUnavailable)
        }
    }
}
