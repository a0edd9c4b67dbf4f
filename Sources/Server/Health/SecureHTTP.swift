import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// HTTP over TLS with the certificate of the moment.
struct SecureHTTP: ServerChildChannel {
    let plain: HTTP1Channel
    let certificates: Certificates

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLServerHandler(context: certificates.contexts.http)
            )
        }.flatMap { plain.setup(channel: channel, logger: logger) }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await plain.handle(value: value, logger: logger)
    }
}
