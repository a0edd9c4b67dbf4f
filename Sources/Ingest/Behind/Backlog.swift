package import Domain

/// How much was acknowledged and is not yet in history.
package struct Backlog: Sendable {
    /// What may wait before pushes do.
    package struct Limit: Sendable {
        package var bytes: Int
        package var entries: UInt64
        /// How long a push waits for less.
        package var patience: TimeSpan

        package init(
            bytes: Int = Limits.unappliedBytes,
            entries: UInt64 = Limits.unappliedEntries,
            patience: TimeSpan = Limits.writePatience
        ) {
            self.bytes = bytes
            self.entries = entries
            self.patience = patience
        }
    }

    private(set) var bytes = 0
    /// Groups in the order of their last entries; those before `first` are applied.
    private var groups: [(last: UInt64, bytes: Int)] = []
    private var first = 0

    mutating func add(through last: UInt64, bytes: Int) {
        groups.append((last, bytes))
        self.bytes += bytes
    }

    /// A group counts until its last entry is applied.
    mutating func remove(through entry: UInt64) {
        while first < groups.count, groups[first].last <= entry {
            bytes -= groups[first].bytes
            first += 1
        }
        guard 2 * first > groups.count else { return }
        groups.removeFirst(first)
        first = 0
    }
}

extension TimeSpan {
    var duration: Duration { .microseconds(microseconds) }
}
