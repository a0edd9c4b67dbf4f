import Domain
import Hummingbird
import Logging
import ServiceLifecycle

/// The HTTP port: `/healthz` answers 200 while the process runs, `/readyz` 200 while it takes reads
/// and writes and 503 otherwise.
///
/// Both say a code only.
struct HealthPort: Service {
    let address: HostAndPort
    /// Nil when ready, else why not.
    let readiness: @Sendable () -> String?
    let announce: @Sendable (String) -> Void

    func run() async throws {
        let router = Router()
        router.get("/healthz") { _, _ in HTTPResponse.Status.ok }
        router.get("/readyz") { _, _ in
            readiness() == nil ? HTTPResponse.Status.ok : .serviceUnavailable
        }
        var logger = Logger(label: "alula.http") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let announce = announce
        let host = address.host
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(host, port: address.port)),
            onServerRunning: { channel in
                announce("health on http://\(host):\(channel.localAddress?.port ?? 0)")
            },
            logger: logger
        )
        do {
            try await application.run()
        } catch {
            throw AlulaError(
                .unavailable,
                "cannot listen on \(host):\(address.port): \(error)",
                help: "is another server using the port? choose one with --http",
                retry: .never
            )
        }
    }
}
