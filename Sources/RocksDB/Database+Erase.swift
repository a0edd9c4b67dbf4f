import CRocksDB
package import Domain
import Glibc

extension Database {
    /// The keys of one family between two, both included; nil is the family's end.
    package struct KeyRange: Sendable {
        package var family: ColumnFamily
        package var first: [UInt8]?
        package var last: [UInt8]?

        package init(_ family: ColumnFamily, first: [UInt8]? = nil, last: [UInt8]? = nil) {
            self.family = family
            self.first = first
            self.last = last
        }
    }

    /// Makes what was deleted or overwritten in these ranges before the call disappear from the files
    /// of the directory: tables, write-ahead logs and manifests.
    ///
    /// Rewrites every table that reaches into a range. Writes go on meanwhile. Throws `unavailable`
    /// where a file is still held by a reader after a while, and may then be called again.
    package func eraseDeleted(
        in ranges: [KeyRange],
        isCancelled: () -> Bool = { false }
    ) throws(AlulaError) {
        try checkNoSnapshots()
        var old = try files { Self.isLogOrManifest($0) }
        try flush()
        for range in ranges {
            guard !isCancelled() else { throw .erasureCancelled }
            old.formUnion(try rewrite(range))
        }
        for _ in 0..<Self.attempts {
            // A change of the set of files begins a new manifest, without those that have gone; and it
            // ends the write-ahead log, which a write during the first flush may have kept alive.
            try flush()
            try touch()
            try deleteObsoleteFiles()
            let left = try files { old.contains($0) }
            guard !left.isEmpty else { return }
            guard !isCancelled() else { throw .erasureCancelled }
            usleep(100_000)
        }
        throw AlulaError(
            .unavailable,
            "the online store still holds \(try files { old.contains($0) }.count) files with deleted rows: "
                + "a reader has them open"
        )
    }

    private static let attempts = 100
    /// Rewrites the bottommost level too, where a plain compaction would leave it as it is.
    private static let force: UInt8 = 2

    /// Compacts what has keys in the range and answers the files that it takes the place of.
    ///
    /// RocksDB leaves a table alone that reaches over the range and has no key in it, deleted or not.
    private func rewrite(_ range: KeyRange) throws(AlulaError) -> Set<String> {
        let before = tables(in: range)
        let errors = backgroundErrors
        let options = rocksdb_compactoptions_create()
        defer { rocksdb_compactoptions_destroy(options) }
        rocksdb_compactoptions_set_bottommost_level_compaction(options, Self.force)
        let first = range.first ?? []
        let last = range.last ?? []
        first.withUnsafeBytes { first in
            last.withUnsafeBytes { last in
                rocksdb_compact_range_cf_opt(
                    handle,
                    families[range.family.rawValue],
                    options,
                    range.first == nil ? nil : first.chars,
                    first.count,
                    range.last == nil ? nil : last.chars,
                    last.count
                )
            }
        }
        // The call has no way to say that it failed.
        guard backgroundErrors == errors else {
            throw AlulaError(
                .unavailable,
                "the online store could not compact its family \(range.family.name)",
                help: "see online/LOG; the disk must have room for a copy of the largest table"
            )
        }
        return before.subtracting(tables(in: range))
    }

    /// Flushes and compactions that failed since the database was opened.
    var backgroundErrors: UInt64 {
        var count: UInt64 = 0
        _ = rocksdb_property_int(handle, "rocksdb.background-errors", &count)
        return count
    }

    /// Writes something and makes a table of it.
    private func touch() throws(AlulaError) {
        let batch = WriteBatch(self)
        batch.put(.meta, Array("erased".utf8), [])
        try write(batch, .buffered)
        try flush(.meta)
    }

    /// Looks at the whole directory, and returns when what nobody needs is gone.
    private func deleteObsoleteFiles() throws(AlulaError) {
        try checked("list its files") { rocksdb_disable_file_deletions(handle, $0) }
        try checked("delete old files") { rocksdb_enable_file_deletions(handle, 0, $0) }
    }

    private func checkNoSnapshots() throws(AlulaError) {
        var count: UInt64 = 0
        _ = rocksdb_property_int(handle, "rocksdb.num-snapshots", &count)
        guard count == 0 else {
            throw AlulaError(
                .unavailable,
                "\(count) readers hold an older picture of the online store"
            )
        }
    }

    /// Names of the tables that reach into a range.
    private func tables(in range: KeyRange) -> Set<String> {
        let list = rocksdb_livefiles(handle)
        defer { rocksdb_livefiles_destroy(list) }
        var names: Set<String> = []
        for index in 0..<rocksdb_livefiles_count(list) {
            let family = String(cString: rocksdb_livefiles_column_family_name(list, index))
            guard family == range.family.name else { continue }
            var size = 0
            let smallest = rocksdb_livefiles_smallestkey(list, index, &size)
            let least = Array(UnsafeRawBufferPointer(start: smallest, count: size))
            let largest = rocksdb_livefiles_largestkey(list, index, &size)
            let greatest = Array(UnsafeRawBufferPointer(start: largest, count: size))
            if let last = range.last, last.lexicographicallyPrecedes(least) { continue }
            if let first = range.first, greatest.lexicographicallyPrecedes(first) { continue }
            let name = String(cString: rocksdb_livefiles_name(list, index))
            names.insert(String(name.drop { $0 == "/" }))
        }
        return names
    }

    private static func isLogOrManifest(_ name: String) -> Bool {
        name.hasSuffix(".log") || name.hasPrefix("MANIFEST-")
    }

    private func files(_ isWanted: (String) -> Bool) throws(AlulaError) -> Set<String> {
        guard let directory = opendir(path) else {
            throw AlulaError(.internal, "the online store could not list \(path)")
        }
        defer { closedir(directory) }
        var names: Set<String> = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if isWanted(name) { names.insert(name) }
        }
        return names
    }
}

extension AlulaError {
    fileprivate static var erasureCancelled: AlulaError {
        AlulaError(.cancelled, "the erasure in the online store was stopped")
    }
}
