import Dispatch
import Disk
import Domain
import Synchronization

/// Content that is written and has no name yet.
struct Unnamed: Sendable {
    let file: File
    /// Where it is now.
    let path: String
    let place: ArtifactPlace
    let bytes: UInt64
}

/// Gives content its name, so that what has one is whole and durable, and takes names away.
///
/// Files are synced before they are renamed, and directories behind. Who finds a name that somebody
/// else has just given syncs it as well. What is removed was not touched since it was found to be
/// old.
final class Naming: Sendable {
    private let health: StorageHealth
    /// Paths of names that are given and perhaps not durable yet.
    private let unsynced = Mutex<[String: Int]>([:])
    /// Directories whose own names are durable.
    private let durable: Mutex<Set<String>>

    /// `directories` are those whose names are durable.
    init(health: StorageHealth, directories: some Sequence<String>) {
        self.health = health
        durable = Mutex(Set(directories))
    }

    /// For each, whether the content was here before.
    func name(_ unnamed: [Unnamed]) throws(AlulaError) -> [Bool] {
        try health.check()
        var existed: [Bool] = []
        for content in unnamed {
            let isHere = try hold(content.place, bytes: content.bytes)
            if isHere { try Files.remove(content.path) }
            existed.append(isHere)
        }
        let fresh = zip(unnamed, existed).filter { !$0.1 }.map(\.0)
        guard !fresh.isEmpty else { return existed }
        for content in fresh { try content.file.seal() }
        try health.durably { () throws(AlulaError) in try sync(fresh) }
        for content in fresh { try Files.makeDirectory(content.place.directory) }
        var named: [Unnamed] = []
        defer { settle(named) }
        do throws(AlulaError) {
            for content in fresh {
                try unsynced.withLock { unsynced throws(AlulaError) in
                    try Files.rename(content.path, to: content.place.path)
                    unsynced[content.place.path, default: 0] += 1
                }
                named.append(content)
            }
            try health.durably { () throws(AlulaError) in try syncDirectories(fresh.map(\.place)) }
        } catch {
            // Else the next start would find names that may not be on disk; the first error counts.
            for content in named { try? Files.remove(content.place.path) }
            throw error
        }
        return existed
    }

    /// Whether content of this length has this name, durably; from now on it is young.
    ///
    /// A file of another length was damaged and is as good as none.
    func hold(_ place: ArtifactPlace, bytes: UInt64?) throws(AlulaError) -> Bool {
        let (isHere, needsSync) = try unsynced.withLock { unsynced throws(AlulaError) in
            guard let size = try Files.size(place.path), bytes == nil || size == bytes else {
                return (false, false)
            }
            return (try Files.touch(place.path), unsynced[place.path] != nil)
        }
        guard isHere, needsSync else { return isHere }
        try health.durably { () throws(AlulaError) in try syncDirectories([place]) }
        return try Files.exists(place.path)
    }

    /// Removes a file that was last touched before a moment; false where it is younger or gone.
    func remove(_ path: String, untouchedSince moment: Timestamp) throws(AlulaError) -> Bool {
        try unsynced.withLock { _ throws(AlulaError) in
            guard let status = try Files.status(path), status.modified < moment else {
                return false
            }
            try Files.remove(path)
            return true
        }
    }

    private func settle(_ named: [Unnamed]) {
        unsynced.withLock { unsynced in
            for content in named {
                guard let count = unsynced[content.place.path] else { continue }
                unsynced[content.place.path] = count > 1 ? count - 1 : nil
            }
        }
    }

    /// All of them together: the disk takes them as one.
    private func sync(_ fresh: [Unnamed]) throws(AlulaError) {
        guard fresh.count > 1 else { return try fresh[0].file.sync() }
        let failure = Mutex<AlulaError?>(nil)
        let lanes = min(8, fresh.count)
        DispatchQueue.concurrentPerform(iterations: lanes) { lane in
            for index in stride(from: lane, to: fresh.count, by: lanes) {
                do throws(AlulaError) {
                    try fresh[index].file.sync()
                } catch {
                    failure.withLock { $0 = error }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// A directory's own name is synced once: it stays.
    private func syncDirectories(_ places: [ArtifactPlace]) throws(AlulaError) {
        let directories = Set(places.map(\.directory))
        for directory in directories { try Files.syncDirectory(directory) }
        let fresh = durable.withLock { durable in
            places.filter { $0.directory != $0.root && !durable.contains($0.directory) }
        }
        for root in Set(fresh.map(\.root)) { try Files.syncDirectory(root) }
        durable.withLock { $0.formUnion(fresh.map(\.directory)) }
    }
}
