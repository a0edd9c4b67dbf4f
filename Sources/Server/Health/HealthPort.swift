import Domain
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
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
        var quiet = Logger(label: "alula.http") { StreamLogHandler.standardError(label: $0) }
        quiet.logLevel = .error
        // Pages are few: what takes long of them is made by a worker.
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let outcome: Result<Void, any Error>
        do {
            try await server(on: loop, quiet).run()
            outcome = .success(())
        } catch {
            outcome = .failure(address.cannotListen(error, option: "--http"))
        }
        try? await loop.shutdownGracefully()  // the first error is the one that tells
        try outcome.get()
    }

    private func server(on loop: any EventLoopGroup, _ quiet: Logger) -> any Service {
        let announce = announce
        let host = address.urlHost
        let scheme = certificates == nil ? "http" : "https"
        let plain = HTTP1Channel(
            responder: { request, writer, _ in
                let response = await answer(request)
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: .init(idleTimeout: .seconds(Self.idleSeconds))
        )
        var channel: any ServerChildChannel = plain
        if let certificates { channel = SecureHTTP(plain: plain, certificates: certificates) }
        return channel.server(
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
            eventLoopGroup: loop,
            logger: quiet
        )
    }

    private func answer(_ request: Request) async -> Response {
        let route = HTTPRoute.allCases.first { $0.path == request.uri.path }
        var response: Response
        switch (route, request.method) {
        case (let route?, .get): response = await answer(route, request)
        case (let route?, .head): response = await answer(route, request).createHeadResponse()
        case (_?, _): response = Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
        case (nil, _): response = Response(status: .notFound)
        }
        response.headers[.date] = services.now().httpDate
        return response
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

extension Timestamp {
    /// `Tue, 25 Aug 2020 20:34:41 GMT`, as RFC 9110 has it.
    var httpDate: String {
        let seconds = Int64((Double(microseconds) / 1e6).rounded(.down))
        let text = Array(Timestamp(microseconds: seconds * 1_000_000).description)
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        let (year, month, day) = (String(text[..<4]), Int(String(text[5..<7])), text[8..<10])
        let weekday = Self.weekdays[((days % 7) + 7) % 7]
        let name = Self.months[(month ?? 1) - 1]
        return "\(weekday), \(String(day)) \(name) \(year) \(String(text[11..<19])) GMT"
    }

    /// From that of 1970-01-01 on.
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
