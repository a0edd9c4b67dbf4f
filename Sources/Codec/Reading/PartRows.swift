package import Domain

/// The stored rows that one part of a plan found for a run of keys, told apart: which are present, how
/// old, of what version.
///
/// Belongs to one thread, which fills it again and again; it grows and never shrinks.
package final class PartRows {
    /// Where each row stands behind the base; the place of the null row where it is not present.
    package private(set) var places: UnsafeMutablePointer<Int32>
    package private(set) var sizes: UnsafeMutablePointer<Int32>
    /// For each row, the number of its version in the reader; that of `soleVersion` where there is
    /// one.
    private(set) var versions: UnsafeMutablePointer<Int32>
    package private(set) var eventTimes: UnsafeMutablePointer<Int64>
    package private(set) var statuses: UnsafeMutablePointer<UInt8>
    package private(set) var count = 0
    /// Rows that are present.
    package private(set) var presentCount = 0
    package private(set) var expiredCount = 0
    /// The version of all rows that are present; nil where there are several.
    private(set) var soleVersion: Int?
    private var capacity = 0

    package init() {
        places = .allocate(capacity: 0)
        sizes = .allocate(capacity: 0)
        versions = .allocate(capacity: 0)
        eventTimes = .allocate(capacity: 0)
        statuses = .allocate(capacity: 0)
    }

    deinit { deallocate() }

    /// Makes room for so many rows; places and sizes are the caller's to fill.
    package func begin(_ count: Int) {
        self.count = count
        guard count > capacity else { return }
        deallocate()
        capacity = max(count, 2 * capacity)
        places = .allocate(capacity: capacity)
        sizes = .allocate(capacity: capacity)
        versions = .allocate(capacity: capacity)
        eventTimes = .allocate(capacity: capacity)
        statuses = .allocate(capacity: capacity)
    }

    private func deallocate() {
        places.deallocate()
        sizes.deallocate()
        versions.deallocate()
        eventTimes.deallocate()
        statuses.deallocate()
    }
}

extension PartRows {
    /// The rows as they are now, for loops over them.
    struct Rows {
        let places: UnsafePointer<Int32>
        let sizes: UnsafePointer<Int32>
        let versions: UnsafePointer<Int32>
        let count: Int
        let presentCount: Int
        let soleVersion: Int?
        let base: UnsafeRawPointer
    }

    /// Until the rows are filled anew.
    func rows(base: UnsafeRawPointer) -> Rows {
        Rows(
            places: UnsafePointer(places),
            sizes: UnsafePointer(sizes),
            versions: UnsafePointer(versions),
            count: count,
            presentCount: presentCount,
            soleVersion: soleVersion,
            base: base
        )
    }

    /// Reads the heads of the rows, whose bytes were checked before; a negative place says that there
    /// is none.
    ///
    /// At the base stand `PartReader.nullRowBytes` zero bytes: rows that are not present point there.
    /// A row that is older than `maxAge` at `now` is expired; one at exactly `maxAge`, or ahead of
    /// now, is present. Throws where a row is of a version that the reader does not know, with its
    /// number.
    package func tellApart(
        base: UnsafeRawPointer,
        _ reader: PartReader,
        of view: FeatureViewName,
        maxAge: TimeSpan?,
        now: Timestamp
    ) throws(AlulaError) {
        let oldest = maxAge.map { (now - $0).microseconds } ?? .min
        let (places, sizes, versions) = (places, sizes, versions)
        let (eventTimes, statuses) = (eventTimes, statuses)
        var (present, expired) = (0, 0)
        var sole: Int? = 0
        var last = (number: UInt32(0), index: -1, least: 0)
        func setAbsent(_ row: Int, _ status: FeatureStatus, event: Int64) {
            places[row] = 0
            sizes[row] = 0
            versions[row] = 0
            eventTimes[row] = event
            statuses[row] = status.rawValue
        }
        for row in 0..<count {
            let place = Int(places[row])
            guard place >= 0 else {
                setAbsent(row, .notFound, event: 0)
                continue
            }
            let event = base.loadUnaligned(fromByteOffset: place + 6, as: Int64.self)
            guard event >= oldest else {
                setAbsent(row, .expired, event: event)
                expired += 1
                continue
            }
            let number = base.loadUnaligned(fromByteOffset: place + 2, as: UInt32.self)
            if number != last.number || last.index < 0 {
                let index = reader.versions.firstIndex { $0.number == number }
                guard let index else { throw .unknownRowVersion(number, of: view) }
                sole = last.index < 0 ? index : nil
                let start = reader.versions[index].format.variableStart
                last = (number, index, start + RowCodec.checksumBytes)
            }
            guard Int(sizes[row]) >= last.least else {
                throw .corrupt("an online row is shorter than its layout \(number)")
            }
            versions[row] = Int32(truncatingIfNeeded: last.index)
            eventTimes[row] = event
            statuses[row] = FeatureStatus.present.rawValue
            present += 1
        }
        presentCount = present
        expiredCount = expired
        soleVersion = sole
    }
}

extension AlulaError {
    /// Not a loss: whoever asked holds a picture of the catalog that is older than the row.
    package static func unknownRowVersion(
        _ version: UInt32,
        of view: FeatureViewName
    ) -> AlulaError {
        AlulaError(
            .aborted,
            "view \(view) has rows of schema version \(version), newer than this plan",
            help: "resolve the service against the present catalog and ask again",
            retry: .sameRequest
        )
    }
}
