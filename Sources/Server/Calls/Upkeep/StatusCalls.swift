import Catalog
import Domain
import Glibc
import Ingest
import Offline
import Online
import Registry
import Wire

extension Dispatcher {
    func status(_ call: Call) throws -> Answer {
        let snapshot = services.catalog.snapshot
        var answer = WireStatusResponse()
        answer.version = AlulaServer.version
        answer.startedUs = services.started.microseconds
        answer.dataDirectory = services.directory.path
        answer.logLast = services.ingestor.lastEntry
        answer.offlineApplied = services.offline.appliedThrough
        answer.catalogRevision = snapshot.revision
        answer.registryRevision = try services.registry.revision()
        let scope = call.identity.scope
        answer.projects = snapshot.projects.keys.filter(scope.covers).sorted().map(\.text)
        answer.connections = UInt64(services.connections.count)
        answer.diskFreeBytes = services.directory.freeBytes
        answer.notReady = services.notReady()?.text ?? ""
        answer.cache = WireCacheStatus(services.online.cache.figures)
        let statistics = try services.offline.statistics()
        let freshness = services.ingestor.freshness
        for project in snapshot.projects.values.sorted(by: { $0.name < $1.name })
        where scope.covers(project.name) {
            for view in project.views.values.sorted(by: { $0.name < $1.name })
            where scope.covers(view.name) {
                var wire = WireViewStatus()
                wire.project = project.name.text
                wire.name = view.name.text
                if let known = statistics[view.id] {
                    wire.offlineRows = known.rows
                    wire.segments = known.segments
                    if let newest = known.newestEvent { wire.newestEventUs = newest.microseconds }
                }
                if let known = freshness[view.id] {
                    wire.onlineRows = known.rows
                    wire.onlineNewestEventUs = known.newestEvent.microseconds
                }
                answer.views.append(wire)
            }
        }
        return try Answer(answer)
    }
}

extension WireCacheStatus {
    init(_ figures: CacheFigures) {
        self.init()
        budgetBytes = UInt64(figures.budget)
        bytes = UInt64(figures.bytes)
        entries = UInt64(figures.entries)
        absences = UInt64(figures.absences)
        hits = figures.hits
        absentHits = figures.absentHits
        misses = figures.misses
        evictions = figures.evictions
    }
}

extension DataDirectory {
    /// Bytes that are left on the disk for this process; 0 where the system does not say.
    var freeBytes: UInt64 { freeBytesIfKnown ?? 0 }

    var freeBytesIfKnown: UInt64? {
        var figures = statvfs()
        guard unsafe statvfs(path, &figures) == 0 else { return nil }
        return UInt64(figures.f_bavail) * UInt64(figures.f_frsize)
    }

    /// The whole disk; 0 where the system does not say.
    var diskBytes: UInt64 {
        var figures = statvfs()
        guard unsafe statvfs(path, &figures) == 0 else { return 0 }
        return UInt64(figures.f_blocks) * UInt64(figures.f_frsize)
    }
}
