package import Domain

/// What `alula serve` needs to know.
package struct ServerConfiguration: Sendable {
    package var dataDirectory: String
    /// Where the RPC port listens, HOST:PORT; port 0 takes a free one.
    package var listen: String
    /// Where the HTTP port listens; nil is nowhere.
    package var http: String?

    /// How much memory the row cache of the online store may take; 0 is none, nil a quarter of what
    /// the process may use.
    package var cacheBytes: Int?

    /// Whether segments of history are merged in the background.
    package var compaction: Compaction

    /// The file of the audit log's key; nil: in the data directory.
    package var auditKey: String?

    /// The directory that backups are made in; nil: none are made.
    package var backups: String?

    package enum Compaction: String, Sendable, CaseIterable {
        case on
        case off
    }

    /// Whether callers on this machine need a token.
    package var anonymous: AnonymousCallers

    /// The server's certificate; nil is none, on this machine only.
    package var certificates: CertificateFiles?
    package var limits: ServerLimits
    /// From when on a call is told to the log.
    package var slowCall: TimeSpan
    package var logFormat: LogFormat
    /// How long profiles of what came are, and for how long they are kept.
    package var profiles: ProfileRule

    package enum LogFormat: String, Sendable, CaseIterable {
        case text
        case json
    }

    package init(
        dataDirectory: String,
        listen: String = "127.0.0.1:7461",
        http: String? = "127.0.0.1:7462",
        cacheBytes: Int? = nil,
        compaction: Compaction = .on,
        anonymous: AnonymousCallers = .untilTokens,
        certificates: CertificateFiles? = nil,
        limits: ServerLimits = ServerLimits(),
        slowCall: TimeSpan = .seconds(1),
        logFormat: LogFormat = .text,
        auditKey: String? = nil,
        backups: String? = nil,
        profiles: ProfileRule = ProfileRule()
    ) {
        self.profiles = profiles
        self.backups = backups
        self.auditKey = auditKey
        self.dataDirectory = dataDirectory
        self.listen = listen
        self.http = http
        self.cacheBytes = cacheBytes
        self.compaction = compaction
        self.anonymous = anonymous
        self.certificates = certificates
        self.limits = limits
        self.slowCall = slowCall
        self.logFormat = logFormat
    }
}
