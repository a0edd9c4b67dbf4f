/// What happened to one key: writes in the order in which they took effect, and reads, each with the
/// moments at which it began and ended.
///
/// State 0 is that before all writes; write `i` makes state `i`.
struct RegisterHistory<State: Hashable> {
    struct Write {
        var state: State
        var begin: UInt64
        var end: UInt64
    }

    struct Read {
        var state: State
        var begin: UInt64
        var end: UInt64
    }

    var first: State
    var writes: [Write] = []
    var reads: [Read] = []

    /// What no order of the operations explains that keeps to the moments; nil where one does.
    ///
    /// A read has seen some state whose write began before the read ended, behind which no write ended
    /// before the read began, and none that is older than what a read saw that ended before. To take the
    /// oldest such state each time leaves most to later reads, so that it finds an order if there is
    /// one.
    func contradiction() -> String? {
        // How many writes, counted from the first, must be seen by a read that begins at a time.
        let ends = writes.enumerated().map { ($1.end, $0 + 1) }.sorted { $0.0 < $1.0 }
        let byBegin = reads.sorted { $0.begin < $1.begin }
        var finished: [(end: UInt64, state: Int)] = []
        var seen = 0
        var nextEnd = 0
        var oldest = 0
        for read in byBegin {
            while nextEnd < ends.count, ends[nextEnd].0 < read.begin {
                oldest = max(oldest, ends[nextEnd].1)
                nextEnd += 1
            }
            for earlier in finished where earlier.end < read.begin {
                seen = max(seen, earlier.state)
            }
            finished.removeAll { $0.end < read.begin }
            let from = max(oldest, seen)
            let state = (from...writes.count).first { number in
                guard number > 0 else { return first == read.state }
                return writes[number - 1].state == read.state
                    && writes[number - 1].begin < read.end
            }
            guard let state else {
                return
                    "a read at \(read.begin)...\(read.end) saw \(read.state), which state \(from) "
                    + "of \(writes.count) had replaced, or which was not written yet"
            }
            finished.append((read.end, state))
        }
        return nil
    }
}
