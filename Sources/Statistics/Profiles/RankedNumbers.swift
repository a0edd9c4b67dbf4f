/// The numbers that stand at some ranks, found without putting the others in order.
///
/// Numbers are counted by where they stand between the least and the greatest; only those in places
/// that hold a wanted rank are looked at again.
enum RankedNumbers {
    /// Numbers for each place, on average.
    private static let share = 8
    private static let mostPlaces = 4_096
    /// So few are sorted as they are.
    private static let few = 64
    private static let mostRounds = 8

    /// Where the numbers of a place go, and how far the next one goes: none, where none is wanted.
    private struct Goal {
        var next: Int32 = 0
        var step: Int32 = 0
    }

    /// The ranks, from zero, rise; the numbers are finite.
    static func at(_ ranks: [Int], of numbers: [Double]) -> [Double] {
        precondition(ranks.last ?? 0 < Swift.max(1, numbers.count), "a rank beyond the numbers")
        return numbers.withUnsafeBufferPointer { at(ranks[...], of: $0, round: 0) }
    }

    private static func at(
        _ ranks: ArraySlice<Int>,
        of numbers: UnsafeBufferPointer<Double>,
        round: Int
    ) -> [Double] {
        guard numbers.count > few, round < mostRounds else { return simply(ranks, numbers) }
        var (least, greatest) = (numbers[0], numbers[0])
        for number in numbers {
            least = number < least ? number : least
            greatest = number > greatest ? number : greatest
        }
        let places = min(mostPlaces, numbers.count / share)
        let scale = Double(places - 1) / (greatest - least)
        guard scale > 0, scale.isFinite else { return simply(ranks, numbers) }
        @inline(__always)
        func place(_ number: Double) -> Int { Int((number - least) * scale) }

        return withUnsafeTemporaryAllocation(of: Goal.self, capacity: places) { goals in
            goals.initialize(repeating: Goal())
            for number in numbers { goals[place(number)].next &+= 1 }
            let wanted = choose(ranks, goals)
            // One more for all that nobody wants.
            let room = (wanted.last.map { $0.start + $0.count } ?? 0) + 1
            return withUnsafeTemporaryAllocation(of: Double.self, capacity: room) { kept in
                for number in numbers {
                    let place = place(number)
                    kept[Int(goals[place].next)] = number
                    goals[place].next &+= goals[place].step
                }
                var found: [Double] = []
                found.reserveCapacity(ranks.count)
                for part in wanted {
                    let slice = UnsafeMutableBufferPointer(
                        rebasing: kept[part.start..<part.start + part.count]
                    )
                    let inside = ranks[part.ranks].lazy.map { $0 - part.before }
                    if part.count <= few {
                        sort(slice)
                        for rank in inside { found.append(slice[rank]) }
                    } else {
                        found += at(
                            Array(inside)[...],
                            of: UnsafeBufferPointer(slice),
                            round: round + 1
                        )
                    }
                }
                return found
            }
        }
    }

    private struct Wanted {
        /// Those of the ranks that stand in this place.
        var ranks: Range<Int>
        /// Numbers in places below.
        var before: Int
        var start: Int
        var count: Int
    }

    /// Turns the counts of the places into goals.
    private static func choose(
        _ ranks: ArraySlice<Int>,
        _ goals: UnsafeMutableBufferPointer<Goal>
    ) -> [Wanted] {
        var wanted: [Wanted] = []
        wanted.reserveCapacity(ranks.count)
        var (before, start, rank) = (0, 0, ranks.startIndex)
        for place in goals.indices {
            let count = Int(goals[place].next)
            let first = rank
            while rank < ranks.endIndex, ranks[rank] < before + count { rank += 1 }
            if first < rank {
                wanted.append(
                    Wanted(ranks: first..<rank, before: before, start: start, count: count)
                )
                goals[place] = Goal(next: Int32(start), step: 1)
                start += count
            } else {
                goals[place].next = -1
            }
            before += count
        }
        for place in goals.indices where goals[place].next < 0 {
            goals[place].next = Int32(start)
        }
        return wanted
    }

    private static func sort(_ numbers: UnsafeMutableBufferPointer<Double>) {
        for index in numbers.indices.dropFirst() {
            let number = numbers[index]
            var hole = index
            while hole > 0, numbers[hole - 1] > number {
                numbers[hole] = numbers[hole - 1]
                hole -= 1
            }
            numbers[hole] = number
        }
    }

    private static func simply(
        _ ranks: ArraySlice<Int>,
        _ numbers: UnsafeBufferPointer<Double>
    ) -> [Double] {
        let sorted = numbers.sorted()
        return ranks.map { sorted[$0] }
    }
}
