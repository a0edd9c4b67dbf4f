import Domain
import Trust

/// What has to be there before anybody beyond this machine can reach the server: TLS, and tokens.
enum Exposure {
    static func check(
        _ places: [HostAndPort],
        _ configuration: ServerConfiguration
    ) throws(AlulaError) {
        guard let place = places.first, configuration.certificates == nil else { return }
        throw .refused(
            "\(place.host) is not a loopback address: without TLS and tokens the server listens on "
                + "this machine only",
            help: "give --tls-cert and --tls-key, or listen on 127.0.0.1"
        )
    }

    static func check(_ places: [HostAndPort], tokens: TokenBook) throws(AlulaError) {
        guard let place = places.first, !tokens.isDemanding else { return }
        throw .refused(
            "\(place.host) is not a loopback address, and this data directory has no tokens: "
                + "anybody could call",
            help: "make the first: alula token create NAME --roles admin --data DIR"
        )
    }
}
