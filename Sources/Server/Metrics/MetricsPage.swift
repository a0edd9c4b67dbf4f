import Catalog
import Domain
import Glibc
import Ingest
import Offline
import Online
import Registry
import Synchronization
import Training
import Trust
import Wire

/// What `/metrics` says: names and counts, never a value, a key or a token.
///
/// Blocks, for it reads the stores.
struct MetricsPage {
    let services: Services
    private let workers: Workers
    var page = MetricsText()

    static func make(_ services: Services, _ workers: Workers) throws(AlulaError) -> String {
        var page = MetricsPage(services: services, workers: workers)
        page.writeServer()
        page.writeCalls()
        page.writeCache()
        page.writeServed()
        page.writeMonitors()
        try page.writeHistory()
        try page.writeRegistry()
        try page.writeBackups()
        return page.page.text
    }

    private init(services: Services, workers: Workers) {
        self.services = services
        self.workers = workers
    }

    private mutating func writeServer() {
        page.begin("alula_info", .gauge, "What runs.")
        page.sample("alula_info", [("version", AlulaServer.version)], 1)
        page.begin("alula_uptime_seconds", .gauge, "Since the server was started.")
        page.sample(
            "alula_uptime_seconds",
            seconds: services.now().microseconds - services.started.microseconds
        )
        let problem = services.notReady()
        page.one(
            "alula_ready",
            .gauge,
            problem == nil ? 1 : 0,
            "1 while reads and writes are taken; status and the log say why not."
        )
        page.begin("alula_not_ready", .gauge, "1 for the reason why not.")
        for word in NotReady.words {
            page.sample("alula_not_ready", [("reason", word)], problem?.word == word ? 1 : 0)
        }
        page.one(
            "alula_connections",
            .gauge,
            UInt64(services.connections.count),
            "Open connections."
        )
        page.one(
            "alula_connections_refused_total",
            .counter,
            services.connections.refused,
            "Connections over the limit."
        )
        page.one(
            "alula_disk_free_bytes",
            .gauge,
            services.directory.freeBytes,
            "Left on the disk of the data directory."
        )
        page.one(
            "alula_disk_size_bytes",
            .gauge,
            services.directory.diskBytes,
            "The disk of the data directory."
        )
        page.one(
            "alula_memory_resident_bytes",
            .gauge,
            ResidentMemory.bytes,
            "Memory of the process."
        )
        page.one(
            "alula_buffered_bytes",
            .gauge,
            UInt64(max(0, services.buffered.bytes)),
            "Requests and uploads that wait."
        )
        page.one(
            "alula_working_bytes",
            .gauge,
            UInt64(max(0, services.working.bytes)),
            "Memory of training sets that are being made."
        )
        page.begin("alula_queue_depth", .gauge, "Calls that wait for a thread or are on one.")
        for kind in Workers.Kind.allCases {
            page.sample(
                "alula_queue_depth",
                [("queue", kind.word)],
                UInt64(workers.depth(kind))
            )
        }
    }

    private mutating func writeCalls() {
        let sums = Operation.allCases.map { ($0, services.figures.sum(of: $0)) }
            .filter { $0.1.count > 0 }
        page.begin("alula_requests_total", .counter, "Calls that were answered.")
        for (operation, sum) in sums {
            let labels = [("operation", operation.word)]
            page.sample(
                "alula_requests_total",
                labels + [("outcome", "ok")],
                sum.count - min(sum.count, sum.failures)
            )
            page.sample("alula_requests_total", labels + [("outcome", "error")], sum.failures)
        }
        page.begin("alula_request_seconds", .histogram, "From a call's arrival to its answer.")
        for (operation, sum) in sums {
            let labels = [("operation", operation.word)]
            var count: UInt64 = 0
            for bucket in 0..<CallFigures.bucketCount {
                count += sum.buckets[bucket]
                let isLast = bucket == CallFigures.bucketCount - 1
                let bound =
                    isLast ? "+Inf" : MetricsText.seconds(Int64(CallFigures.bound(bucket)))
                page.sample("alula_request_seconds_bucket", labels + [("le", bound)], count)
            }
            page.sample(
                "alula_request_seconds_sum",
                labels,
                seconds: Int64(clamping: sum.microseconds)
            )
            page.sample("alula_request_seconds_count", labels, count)
        }
        page.one(
            "alula_refusals_total",
            .counter,
            services.figures.refusals.load(ordering: .relaxed),
            "Calls and connections without the permission, the scope or the token for it."
        )
    }

    private mutating func writeCache() {
        let figures = services.online.cache.figures
        page.begin("alula_cache_lookups_total", .counter, "Rows looked up in the row cache.")
        page.sample("alula_cache_lookups_total", [("outcome", "hit")], figures.hits)
        page.sample("alula_cache_lookups_total", [("outcome", "absent")], figures.absentHits)
        page.sample("alula_cache_lookups_total", [("outcome", "miss")], figures.misses)
        page.one(
            "alula_cache_evictions_total",
            .counter,
            figures.evictions,
            "Rows that went to make room."
        )
        page.one("alula_cache_entries", .gauge, UInt64(figures.entries), "Rows and absences held.")
        page.one("alula_cache_bytes", .gauge, UInt64(figures.bytes), "Memory of the row cache.")
        page.one(
            "alula_cache_budget_bytes",
            .gauge,
            UInt64(figures.budget),
            "The most it may take."
        )
    }

    private mutating func writeHistory() throws(AlulaError) {
        let last = services.ingestor.lastEntry
        let applied = services.offline.appliedThrough
        page.one("alula_log_last_entry", .gauge, last, "The newest acknowledged log entry.")
        page.one(
            "alula_log_lag_entries",
            .gauge,
            last - min(last, applied),
            "Log entries that the history does not have yet."
        )
        let statistics = try services.offline.statistics()
        var views: [(labels: [(name: String, value: String)], id: FeatureViewID)] = []
        page.begin(
            "alula_view_max_age_seconds",
            .gauge,
            "From which age on rows of a view are expired online."
        )
        for project in services.catalog.snapshot.projects.values {
            for view in project.views.values {
                let labels: [(name: String, value: String)] = [
                    ("project", project.name.text), ("view", view.name.text),
                ]
                views.append((labels, view.id))
                guard let maxAge = view.maxAge, !view.isRetired else { continue }
                page.sample("alula_view_max_age_seconds", labels, seconds: maxAge.microseconds)
            }
        }
        views.sort { $0.id < $1.id }
        writeFreshness(of: views)
        writeReads(of: views)
        page.begin("alula_view_rows", .gauge, "Published rows in history.")
        for (labels, id) in views {
            page.sample("alula_view_rows", labels, statistics[id]?.rows ?? 0)
        }
        page.begin("alula_view_segments", .gauge, "Segments of history.")
        for (labels, id) in views {
            page.sample("alula_view_segments", labels, statistics[id]?.segments ?? 0)
        }
        page.begin(
            "alula_view_newest_event_seconds",
            .gauge,
            "The newest event time in history, since 1970."
        )
        for (labels, id) in views {
            guard let newest = statistics[id]?.newestEvent else { continue }
            page.sample(
                "alula_view_newest_event_seconds",
                labels,
                seconds: newest.microseconds
            )
        }
    }

    private mutating func writeReads(
        of views: [(labels: [(name: String, value: String)], id: FeatureViewID)]
    ) {
        let counts = services.readCounts.sums()
        page.begin("alula_view_reads_total", .counter, "Rows that reads asked for, as found.")
        for (labels, id) in views {
            let count = counts[id] ?? .init()
            for (outcome, rows) in [
                ("present", count.present), ("expired", count.expired),
                ("not_found", count.notFound),
            ] { page.sample("alula_view_reads_total", labels + [("status", outcome)], rows) }
        }
    }

    private mutating func writeFreshness(
        of views: [(labels: [(name: String, value: String)], id: FeatureViewID)]
    ) {
        let freshness = services.ingestor.freshness
        page.begin("alula_view_online_rows", .gauge, "Keys that have a row online.")
        for (labels, id) in views {
            page.sample("alula_view_online_rows", labels, UInt64(freshness[id]?.rows ?? 0))
        }
        page.begin(
            "alula_view_online_newest_event_seconds",
            .gauge,
            "The newest event time online, since 1970."
        )
        for (labels, id) in views {
            guard let newest = freshness[id]?.newestEvent else { continue }
            page.sample(
                "alula_view_online_newest_event_seconds",
                labels,
                seconds: newest.microseconds
            )
        }
    }

    private mutating func writeRegistry() throws(AlulaError) {
        page.one(
            "alula_catalog_revision",
            .gauge,
            services.catalog.snapshot.revision,
            "Grows with every apply."
        )
        page.one(
            "alula_registry_revision",
            .gauge,
            try services.registry.revision(),
            "Grows with every change of the registry."
        )
        let head = try services.registry.auditHead()
        page.begin(
            "alula_audit_head",
            .gauge,
            "The number of the newest audit entry; its hash is the label: alula audit verify --head."
        )
        page.sample("alula_audit_head", [("hash", hexadecimal(head.hash))], head.number)
        try writeHolders()
        try writeRollouts()
        let now = services.now()
        let tokens = try services.tokens.list()
        let live = tokens.filter { token in
            token.revoked == nil && token.grant.expires.map { $0 > now } ?? true
        }
        page.begin("alula_tokens", .gauge, "Tokens that were made.")
        page.sample("alula_tokens", [("state", "live")], UInt64(live.count))
        page.sample(
            "alula_tokens",
            [("state", "revoked_or_expired")],
            UInt64(tokens.count - live.count)
        )
        page.begin(
            "alula_token_next_expiry_seconds",
            .gauge,
            "When the next live token expires, since 1970."
        )
        if let next = live.compactMap(\.grant.expires).min() {
            page.sample("alula_token_next_expiry_seconds", seconds: next.microseconds)
        }
    }
}

extension MetricsPage {
    private mutating func writeHolders() throws(AlulaError) {
        var holders: [(labels: [(name: String, value: String)], share: Share)] = []
        for project in services.catalog.snapshot.projects.keys.sorted() {
            for model in try services.registry.models(project: project) {
                for holder in model.holders {
                    holders.append(
                        (
                            [
                                ("project", project.text), ("model", model.name.text),
                                ("stage", "\(holder.stage)"), ("version", "\(holder.version)"),
                            ], holder.share
                        )
                    )
                }
            }
        }
        page.begin("alula_stage_holder_info", .gauge, "The versions in the stages of models.")
        for (labels, _) in holders { page.sample("alula_stage_holder_info", labels, 1) }
        page.begin("alula_stage_holder_share", .gauge, "What each answers of its stage; 1 is all.")
        for (labels, share) in holders {
            page.sample(
                "alula_stage_holder_share",
                labels,
                number: Double(share.hundredths) / Double(Share.all.hundredths)
            )
        }
    }
}

/// The memory of this process.
enum ResidentMemory {
    /// 0 where the system does not say.
    static var bytes: UInt64 {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard unsafe fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = UInt64(words[1]) else { return 0 }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
