import Domain
import Foundation
import Logging
import NIOCore
import Registry
import Synchronization
import Wire

/// Sends registry events to who watches.
///
/// One thread serves all watches. Nothing is kept for a watch but how far it is: events are read again
/// from the registry when its client takes more. A client that was up to date and then takes nothing
/// while many events pass is told that it lagged, and goes on from the newest.
final class WatchHub: Sendable {
    private let registry: RegistryStore
    private let logger: Logger
    private let arriving = Mutex<[Watch]>([])

    /// Events that a watch may lie behind before it is told so instead of given them.
    static let largestLag: UInt64 = 1_024
    /// Events in one item.
    static let itemEvents = 256
    private static let heartbeat = TimeSpan.seconds(5)

    init(registry: RegistryStore, logger: Logger) {
        self.registry = registry
        self.logger = logger
    }

    /// Serves until the registry's events are closed.
    func start() {
        let thread = Thread { self.run() }
        thread.name = "watches"
        thread.start()
    }

    /// The call stays open: what is sent on it are items, until its client cancels it.
    func add(_ watch: Watch) {
        arriving.withLock { $0.append(watch) }
        registry.events.wake()
    }

    private func run() {
        var watches: [Watch] = []
        var seen = registry.events.revision
        while true {
            // Room for more is not announced, so it is looked for where somebody waits for it.
            let isWaiting = watches.contains { $0.position < seen }
            let limit = Date(timeIntervalSinceNow: isWaiting ? 0.01 : 1)
            guard let newest = registry.events.wait(after: seen, until: limit) else { return }
            watches += arriving.withLock { arriving in
                defer { arriving = [] }
                return arriving
            }
            watches.removeAll { $0.call.isEnded }
            let fresh = recent(after: seen, through: newest, watches.count)
            for watch in watches { serve(watch, newest, fresh) }
            seen = newest
        }
    }

    /// What everybody who is up to date gets, read once; nil where it is too much for one item.
    private func recent(
        after seen: UInt64,
        through newest: UInt64,
        _ watches: Int
    ) -> (after: UInt64, events: [ProjectEvent])? {
        guard watches > 0, newest > seen, newest - seen <= UInt64(Self.itemEvents) else {
            return nil
        }
        do throws(AlulaError) {
            return (seen, try registry.events(after: seen, through: newest, limit: Self.itemEvents))
        } catch {
            logger.warning("events could not be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func serve(
        _ watch: Watch,
        _ newest: UInt64,
        _ fresh: (after: UInt64, events: [ProjectEvent])?
    ) {
        do throws(AlulaError) {
            guard watch.position < newest else { return try watch.beat(Self.heartbeat) }
            guard watch.call.hasRoom else {
                if watch.isUpToDate, newest - watch.position > Self.largestLag {
                    watch.hasLagged = true
                }
                return
            }
            if watch.hasLagged {
                let missed = try registry.eventCount(
                    after: watch.position,
                    through: newest,
                    project: watch.project,
                    model: watch.model
                )
                return try watch.tellLag(missed, through: newest)
            }
            if let fresh, watch.position >= fresh.after {
                let events = fresh.events.filter {
                    $0.project == watch.project && $0.event.revision > watch.position
                }
                return try watch.send(events.map(\.event), through: newest, isAll: true)
            }
            let events = try registry.events(
                after: watch.position,
                through: newest,
                project: watch.project,
                model: watch.model,
                limit: Self.itemEvents
            )
            let isAll = events.count < Self.itemEvents
            try watch.send(
                events,
                through: isAll ? newest : events.last?.revision ?? newest,
                isAll: isAll
            )
        } catch {
            logger.warning("a watch was not served", metadata: ["error": "\(error)"])
        }
    }
}

/// One call that watches; touched by the hub's thread only, once it was added.
final class Watch: @unchecked Sendable {
    let call: Call
    let project: ProjectName
    let model: RegisteredModelName?
    /// Everything asked for up to it was sent, or told as missed.
    private(set) var position: UInt64
    /// Whether it has once been given all there was.
    private(set) var isUpToDate = false
    var hasLagged = false
    private var lastSent: ContinuousClock.Instant?

    init(call: Call, project: ProjectName, model: RegisteredModelName?, after position: UInt64) {
        self.call = call
        self.project = project
        self.model = model
        self.position = position
    }

    func send(_ events: [RegistryEvent], through revision: UInt64, isAll: Bool) throws(AlulaError) {
        let wanted = events.filter(wants)
        position = revision
        if isAll { isUpToDate = true }
        guard !wanted.isEmpty else { return }
        var item = WireRegistryEvents()
        item.events = wanted.map(WireRegistryEvent.init)
        try send(item)
    }

    private func wants(_ event: RegistryEvent) -> Bool {
        let scope = call.identity.scope
        return (model == nil || event.model == model)
            && event.model.map { scope.covers($0) } ?? true
            && event.view.map { scope.covers($0) } ?? true
    }

    func tellLag(_ missed: UInt64, through revision: UInt64) throws(AlulaError) {
        position = revision
        hasLagged = false
        guard missed > 0 else { return }
        var item = WireRegistryEvents()
        item.missed = missed
        try send(item)
    }

    /// An item without events, so that the client knows that the server lives, and how far it is.
    func beat(_ interval: TimeSpan) throws(AlulaError) {
        isUpToDate = true
        // The first says where now is to who asked for what comes from now on.
        if let lastSent, ContinuousClock.now - lastSent < .microseconds(interval.microseconds) {
            return
        }
        if call.hasRoom { try send(WireRegistryEvents()) }
    }

    private func send(_ item: WireRegistryEvents) throws(AlulaError) {
        var item = item
        item.revision = position
        lastSent = .now
        call.post(control: try Messages.encode(item))
    }
}
