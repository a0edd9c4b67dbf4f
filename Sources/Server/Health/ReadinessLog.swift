import Domain
import Logging
import ServiceLifecycle

/// Tells the log why `/readyz` turns red, and that it is green again: the page itself says a code
/// only.
struct ReadinessLog: Service {
    let readiness: @Sendable () -> String?
    let logger: Logger

    private static let pause = Duration.seconds(1)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var told: String?
            var wasReady = false
            while !Task.isCancelled {
                let reason = readiness()
                wasReady = wasReady || reason == nil
                if reason != told {
                    if let reason {
                        // Until it has been ready once, it is on its way.
                        logger.log(
                            level: wasReady ? .error : .notice,
                            "not ready",
                            metadata: ["reason": "\(reason)"]
                        )
                    } else {
                        logger.notice("ready again")
                    }
                    told = reason
                }
                try? await Task.sleep(for: Self.pause)  // cancellation only ends the wait early
            }
        }
    }
}
