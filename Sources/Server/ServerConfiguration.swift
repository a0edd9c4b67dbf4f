/// What `alula serve` needs to know.
package struct ServerConfiguration: Sendable {
    package var dataDirectory: String
    /// Where the RPC port listens, HOST:PORT; port 0 takes a free one.
    package var listen: String
    /// Where the HTTP port listens; nil is nowhere.
    package var http: String?

    /// How much memory the row cache of the online store may take; 0 is none.
    package var cacheBytes: Int

    /// Whether segments of history are merged in the background.
    package var compaction: Compaction

    package enum Compaction: String, Sendable, CaseIterable {
        case on
        case off
    }

    /// Whether callers on this machine need a token.
    package var anonymous: AnonymousCallers

    package init(
        dataDirectory: String,
        listen: String = "127.0.0.1:7461",
        http: String? = "127.0.0.1:7462",
        cacheBytes: Int = 256 << 20,
        compaction: Compaction = .on,
        anonymous: AnonymousCallers = .untilTokens
    ) {
        self.dataDirectory = dataDirectory
        self.listen = listen
        self.http = http
        self.cacheBytes = cacheBytes
        self.compaction = compaction
        self.anonymous = anonymous
    }
}
