import Domain
import Logging
import ServiceLifecycle
import UnixSignals

/// Takes changed certificates: within two seconds of a change of their files, and on SIGHUP.
struct CertificateReload: Service {
    let certificates: Certificates
    let logger: Logger

    private static let pause = Duration.seconds(2)

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watchFiles() }
            group.addTask { await watchSignals() }
            try await gracefulShutdown()
            group.cancelAll()
        }
    }

    private func watchFiles() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.pause)  // cancellation only ends the wait early
            take(evenIfUnchanged: false)
        }
    }

    private func watchSignals() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { take(evenIfUnchanged: true) }
    }

    private func take(evenIfUnchanged: Bool) {
        do throws(AlulaError) {
            guard try certificates.reload(evenIfUnchanged: evenIfUnchanged) else { return }
            logger.notice("certificates were read again")
        } catch {
            logger.error(
                "certificates were not taken: connections go on with those before",
                metadata: ["error": "\(error)"]
            )
        }
    }
}
