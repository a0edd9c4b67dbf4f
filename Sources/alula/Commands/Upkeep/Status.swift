import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what runs, how far behind, how full."
    )

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let status = try await client.status()
        guard !options.json else { return Output.json(Self.json(status)) }
        let behind = status.logLast - min(status.logLast, status.offlineApplied)
        let uptime = TimeSpan(microseconds: Timestamp.now.microseconds - status.startedUs)
        Output.line("alula \(status.version) at \(client.address), up \(uptime.short)")
        if !status.notReady.isEmpty { Output.line("NOT READY " + status.notReady) }
        Output.line("data      \(status.dataDirectory), \(byteText(status.diskFreeBytes)) free")
        Output.line(
            "log       entry \(status.logLast); history is "
                + (behind == 0 ? "up to date" : "\(counted(behind, "entry")) behind")
        )
        Output.line(
            "revisions catalog \(status.catalogRevision), registry \(status.registryRevision)"
        )
        Output.line(
            "projects  "
                + (status.projects.isEmpty ? "none" : status.projects.joined(separator: ", "))
                + "; \(counted(status.connections, "connection"))"
        )
        Output.line("cache     " + Self.text(status.cache))
        guard !status.views.isEmpty else { return }
        var table = TextTable([
            ("project", .left), ("view", .left), ("rows", .right), ("segments", .right),
            ("newest event", .left), ("online", .right), ("newest online", .left),
        ])
        for view in status.views {
            table.add([
                view.project, view.name, String(view.offlineRows), String(view.segments),
                view.hasNewestEventUs
                    ? Timestamp(microseconds: view.newestEventUs).description : "-",
                String(view.onlineRows),
                view.hasOnlineNewestEventUs
                    ? Timestamp(microseconds: view.onlineNewestEventUs).description : "-",
            ])
        }
        Output.line("")
        Output.table(table)
    }

    private static func text(_ cache: WireCacheStatus) -> String {
        guard cache.budgetBytes > 0 else { return "off" }
        let answered = cache.hits + cache.absentHits
        let lookups = answered + cache.misses
        let share = lookups == 0 ? "" : "; \(100 * answered / lookups)% of \(lookups) look-ups"
        return "\(byteText(cache.bytes)) of \(byteText(cache.budgetBytes)), "
            + counted(cache.entries, "key") + share
    }

    private static func json(_ cache: WireCacheStatus) -> JSONValue {
        .object([
            ("budget_bytes", .uint(cache.budgetBytes)), ("bytes", .uint(cache.bytes)),
            ("entries", .uint(cache.entries)), ("absences", .uint(cache.absences)),
            ("hits", .uint(cache.hits)), ("absent_hits", .uint(cache.absentHits)),
            ("misses", .uint(cache.misses)), ("evictions", .uint(cache.evictions)),
        ])
    }

    private static func json(_ status: WireStatusResponse) -> JSONValue {
        .object([
            ("version", .string(status.version)), ("started", .time(status.startedUs)),
            ("data_directory", .string(status.dataDirectory)), ("log_last", .uint(status.logLast)),
            ("offline_applied", .uint(status.offlineApplied)),
            ("catalog_revision", .uint(status.catalogRevision)),
            ("registry_revision", .uint(status.registryRevision)),
            ("projects", .strings(status.projects)),
            ("disk_free_bytes", .uint(status.diskFreeBytes)),
            ("not_ready", .string(status.notReady)),
            ("connections", .uint(status.connections)),
            ("cache", json(status.cache)),
            (
                "views",
                .array(
                    status.views.map { view in
                        .object([
                            ("project", .string(view.project)), ("name", .string(view.name)),
                            ("offline_rows", .uint(view.offlineRows)),
                            ("segments", .uint(view.segments)),
                            (
                                "newest_event",
                                view.hasNewestEventUs
                                    ? .value(
                                        .timestamp(Timestamp(microseconds: view.newestEventUs))
                                    )
                                    : .null
                            ),
                            ("online_rows", .uint(view.onlineRows)),
                            (
                                "online_newest_event",
                                view.hasOnlineNewestEventUs
                                    ? .time(view.onlineNewestEventUs) : .null
                            ),
                        ])
                    }
                )
            ),
        ])
    }
}
