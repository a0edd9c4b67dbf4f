import Artifacts
import Backup
import Catalog
import Foundation
import Ingest
import Logging
import Offline
import Online
import Registry
import Releases
import RocksDB
import Served
import ServiceLifecycle
import Training
import Trust
import UnixSignals
package import Domain

/// The composition root: builds every part once, top to bottom, runs until it is told to stop, and closes
/// them in the opposite order.
package enum AlulaServer {
    package static let version = "0.1.0"

    /// Serves until SIGTERM or SIGINT; `announce` gets the lines that say where it listens.
    package static func run(
        _ configuration: ServerConfiguration,
        announce: @escaping @Sendable (String) -> Void
    ) async throws(AlulaError) {
        let logger = configuration.logger
        let address = try HostAndPort(text: configuration.listen, option: "--listen")
        let health = try configuration.http.map { (text: String) throws(AlulaError) in
            try HostAndPort(text: text, option: "--http")
        }
        let places = [address, health].compactMap(\.self).filter { !$0.isLoopback }
        try Exposure.check(places, configuration)
        let certificates = try configuration.certificates.map(Certificates.init)
        OpenFiles.allowAsManyAsPossible()
        FreedMemory.shareHeaps()
        let parts = try await blocking { [logger] () throws(AlulaError) in
            try Parts.open(configuration, logger: logger)
        }
        let workers = Workers()
        do throws(AlulaError) {
            try Exposure.check(places, tokens: parts.services.tokens.book)
            try workers.start()
        } catch {
            _ = try await blocking { () throws(AlulaError) in try parts.close() }
            throw error
        }
        let dispatcher = Dispatcher(services: parts.services, logger: logger)
        let listener = Listener(
            address: address,
            dispatcher: dispatcher,
            workers: workers,
            logger: logger,
            connections: parts.services.connections,
            certificates: certificates,
            announce: announce
        )
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: listener, failureTerminationBehavior: .gracefullyShutdownGroup)
        ]
        let readiness: @Sendable () -> String? = { parts.services.notReady()?.text }
        services.append(.init(service: ReadinessLog(readiness: readiness, logger: logger)))
        if let certificates {
            services.append(
                .init(service: CertificateReload(certificates: certificates, logger: logger))
            )
        }
        if let health {
            services.append(
                .init(
                    service: HealthPort(
                        address: health,
                        services: parts.services,
                        workers: workers,
                        certificates: certificates,
                        logger: logger,
                        announce: announce
                    ),
                    failureTerminationBehavior: .gracefullyShutdownGroup
                )
            )
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        var failure: (any Error)?
        do { try await group.run() } catch { failure = error }
        _ = try await blocking { () throws(AlulaError) in parts.services.forgetting.close() }
        await workers.stop()
        _ = try await blocking { () throws(AlulaError) in try parts.close() }
        if let failure {
            throw failure as? AlulaError
                ?? AlulaError(.unavailable, "the server stopped: \(failure)")
        }
    }

    /// Runs work that blocks off the cooperative pool.
    private static func blocking<T: Sendable>(
        _ body: @escaping @Sendable () throws(AlulaError) -> T
    ) async throws(AlulaError) -> T {
        let result: Result<T, AlulaError> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: Result { () throws(AlulaError) in try body() })
            }
        }
        return try result.get()
    }
}

/// The opened stores and all that is built on them.
struct Parts: Sendable {
    let services: Services
    let warmer: CacheWarmer

    static func open(
        _ configuration: ServerConfiguration,
        logger: Logger,
        purpose: DataDirectory.Purpose = .serving
    ) throws(AlulaError) -> Parts {
        let now: @Sendable () -> Timestamp = { Timestamp.now }
        let health = StorageHealth()
        // History follows the log as long as its own file can be written.
        let historyHealth = StorageHealth(partOf: health)
        let copies = configuration.backups.map(Backups.copies(in:))
        SQLiteLog.watch { message in
            // A backup fails by itself: it is not acknowledged, and writes go on.
            if let copies, message.contains(copies) { return nil }
            return message.contains("/offline.sqlite") ? historyHealth : health
        }
        let directory = try DataDirectory(path: configuration.dataDirectory, purpose: purpose) {
            logger.notice("\($0)")
        }
        let pool = try openCatalogPool(path: directory.catalog)
        let catalog = try CatalogStore(pool: pool)
        let artifacts = try ArtifactStore(directory: directory.artifacts, health: health)
        let database = try Database(
            path: directory.online,
            cacheBytes: 256 << 20,
            health: health
        )
        let keyFile = try AuditKeyFile(path: configuration.auditKey, in: directory)
        let auditHeads = AuditHeads(database: database, logger: logger)
        let registry = try RegistryStore(
            pool: pool,
            artifacts: .init(
                size: { try artifacts.size(of: $0) },
                firstBytes: { try artifacts.firstBytes(of: $0, 512) },
                hold: { try artifacts.hold($0) },
                content: { try artifacts.content(of: $0, limit: $1) }
            ),
            auditKey: keyFile.key,
            health: health,
            keepHead: auditHeads.keep
        )
        try auditHeads.compare(with: registry, now: now())
        let watches = WatchHub(registry: registry, logger: logger)
        watches.start()
        let tokens = try TokenStore(registry: registry)
        let offline = try OfflineStore(path: directory.offline, health: historyHealth)
        // RocksDB and SQLite sync the names in their directories, and not their directories' own.
        try directory.syncNames()
        let cache = RowCache(
            byteBudget: configuration.cacheBytes ?? UsableMemory.cacheShare,
            // One for each event loop, and some for workers; who comes later shares one.
            lanes: ProcessInfo.processInfo.activeProcessorCount + 8
        )
        let online = OnlineStore(database, cache: cache)
        let ingestor = try Ingestor(
            database: database,
            online: online,
            offline: offline,
            catalog: { catalog.snapshot },
            now: now,
            background: configuration.compaction == .on ? .all : .withoutCompaction,
            retired: { view, rows in
                audit(rows, retiredFrom: view, catalog, registry, now(), logger)
            }
        )
        let importNews = ImportNews(
            registry: registry,
            ingestor: ingestor,
            offline: offline,
            catalog: catalog,
            logger: logger
        )
        importNews.makeUp(now: now())
        let plans = PlanCache()
        let working = WorkingBytes(limit: configuration.limits.usableWorkingBytes)
        let trainingSets = TrainingSets(
            offline: offline,
            artifacts: artifacts,
            working: working
        )
        let spines = KeptSpines(
            sets: PlannedSets(catalog: catalog, registry: registry, plans: plans),
            registry: registry,
            artifacts: artifacts,
            trainingSets: trainingSets,
            now: now
        )
        let backups = try Backups(
            path: configuration.backups,
            stores: Backups.Stores(
                directory: directory,
                databases: DatabasePair(catalog: pool, offline: offline.pool),
                online: database,
                artifacts: artifacts,
                ingestor: ingestor,
                auditKey: keyFile.isOutside
                    ? nil : configuration.auditKey ?? directory.auditKey
            ),
            now: now,
            logger: logger
        )
        let served = try ServedLog(offline, now: now, lastEntry: { ingestor.lastEntry })
        served.start()
        let watched = MonitorDesk.Sources(
            registry: registry,
            served: served,
            catalog: catalog,
            newestEvent: { ingestor.freshness[$0]?.newestEvent },
            newestEventThen: { try offline.newestEvent(of: $0, at: $1) }
        )
        let monitors = try MonitorDesk(watched, now: now, logger: logger)
        monitors.start()
        let releases = ReleaseDesk(catalog: catalog, registry: registry)
        let rollouts = RolloutDesk(
            RolloutDesk.Sources(watched: watched, releases: releases, monitors: monitors),
            now: now,
            logger: logger
        )
        rollouts.start()
        let profiles = ProfileDesk(
            ProfileDesk.Sources(
                offline: offline,
                served: served,
                snapshot: { catalog.snapshot },
                lastEntry: { ingestor.lastEntry }
            ),
            rule: configuration.profiles,
            now: now,
            logger: logger
        )
        profiles.start()
        let forgetting = Forgetting(
            ingestor: ingestor,
            spines: spines,
            backups: backups,
            served: served,
            profiles: profiles,
            logger: logger
        )
        // What a stopped or killed server has begun.
        forgetting.finishBehind()
        let heartbeats = Heartbeats(registry: registry, logger: logger, now: now)
        heartbeats.start()
        let warmer = CacheWarmer(online)
        warmer.start()
        return Parts(
            services: Services(
                directory: directory,
                catalog: catalog,
                registry: registry,
                auditHeads: auditHeads,
                auditKeyIsOutside: keyFile.isOutside,
                watches: watches,
                importNews: importNews,
                // Longer than a stream lives that says nothing.
                stagingTurns: StagingTurns(
                    patience: .seconds(configuration.limits.streamIdleSeconds + 60)
                ),
                releases: releases,
                artifacts: artifacts,
                offline: offline,
                online: online,
                ingestor: ingestor,
                trainingSets: trainingSets,
                plans: plans,
                servedModels: ServedModels(registry),
                lookups: KeptLookups(registry, catalog),
                readDesks: ReadDesks(),
                readCounts: ReadCounts(),
                served: served,
                monitors: monitors,
                rollouts: rollouts,
                profiles: profiles,
                spines: spines,
                heartbeats: heartbeats,
                forgetting: forgetting,
                backups: backups,
                connections: Connections(limit: configuration.limits.connections),
                tokens: tokens,
                gatekeeper: Gatekeeper(
                    book: tokens.book,
                    anonymous: configuration.anonymous,
                    snapshot: { catalog.snapshot },
                    now: now
                ),
                limits: configuration.limits,
                health: health,
                room: DiskRoom(
                    directory: directory,
                    reserve: configuration.limits.diskReserveBytes
                ),
                buffered: BufferBudget(limit: configuration.limits.usableBufferedBytes),
                working: working,
                rates: RequestRates(),
                figures: CallFigures(),
                slowCalls: SlowCalls(threshold: configuration.slowCall),
                started: now(),
                now: now
            ),
            warmer: warmer
        )
    }

    /// Notes what retention took by itself; a registry that takes no writes does not undo it.
    private static func audit(
        _ rows: UInt64,
        retiredFrom view: FeatureView,
        _ catalog: CatalogStore,
        _ registry: RegistryStore,
        _ now: Timestamp,
        _ logger: Logger
    ) {
        let snapshot = catalog.snapshot
        let owner = snapshot.projects.values.first { $0.views[view.name]?.id == view.id }
        let dropped = snapshot.droppedViews.first { $0.view.id == view.id }
        let act: MaintenanceAct
        if dropped != nil {
            act = .erase(view.name, rows: rows)
        } else {
            guard let rule = view.retention else { return }
            act = .retention(view.name, rule, rows: rows)
        }
        guard let project = dropped?.project ?? owner?.name else { return }
        do throws(AlulaError) {
            try registry.record(
                act,
                call: WriteCall(
                    requestID: [],
                    identity: .server,
                    project: project,
                    now: now
                )
            )
        } catch {
            logger.warning("retention was not audited", metadata: ["error": "\(error)"])
        }
    }

    /// Writes what waits and puts everything on disk; the stores close with the last reference to them.
    func close() throws(AlulaError) {
        warmer.stop()
        services.heartbeats.close()
        services.registry.events.close()
        services.rollouts.stop()
        services.monitors.stop()
        services.profiles.stop()
        services.served.stop()
        try services.ingestor.stop()
    }
}

extension Timestamp {
    /// The wall clock.
    static var now: Timestamp {
        Timestamp(microseconds: Int64((Date().timeIntervalSince1970 * 1_000_000).rounded()))
    }
}
