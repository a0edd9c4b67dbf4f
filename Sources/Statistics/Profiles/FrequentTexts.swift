/// The most frequent texts and how often each was seen.
///
/// Exact as long as there are at most 256. From then on, whenever twice as many stand in the table, all
/// counts lose what the 257th has and those at nothing go: as with space-saving, a count is too low by
/// `lost` at most, which is below a 256th of all, and two tables make one (Misra and Gries, 1982; Agarwal
/// and others, "Mergeable Summaries", 2012). Then, too, one text in sixteen is looked at and counts for
/// sixteen.
package struct FrequentTexts: Sendable {
    package static let most = 256
    /// What is kept of a long text.
    static let textBytes = 96
    private static let slots = 2_048
    private static let step: UInt64 = 16

    /// Slots of an open table, by hash; a count of zero is an empty one.
    private var hashes = [UInt64](repeating: 0, count: slots)
    private var counts = [UInt64](repeating: 0, count: slots)
    private var texts = [[UInt8]](repeating: [], count: slots)
    private var distinct = 0
    /// Texts passed over since the last one that was looked at.
    private var passed: UInt64 = 0
    /// What a count may be too low by.
    package private(set) var lost: UInt64 = 0

    package init() {}

    /// Nil where there are more than it keeps, or one counts nothing.
    init?(_ entries: [(hash: UInt64, text: [UInt8], count: UInt64)], lost: UInt64) {
        guard entries.count <= Self.most, entries.allSatisfy({ (1...1 << 53).contains($0.count) })
        else { return nil }
        for (hash, text, count) in entries { insert(hash, count) { text } }
        self.lost = lost
    }

    package var isExact: Bool { lost == 0 }

    @inline(__always)
    mutating func add(_ hash: UInt64, _ text: () -> [UInt8]) {
        if lost > 0 {
            passed += 1
            guard passed == Self.step else { return }
            passed = 0
            insert(hash, Self.step, text)
        } else {
            insert(hash, 1, text)
        }
    }

    /// Every one of so many of the same text.
    mutating func add(_ hash: UInt64, times count: UInt64, _ text: () -> [UInt8]) {
        insert(hash, count, text)
    }

    /// What is kept of a text, which ends with a whole character, or of bytes: hexadecimal digits.
    static func kept(_ bytes: UnsafeRawBufferPointer, isText: Bool) -> [UInt8] {
        guard isText else {
            let digits = Array("0123456789abcdef".utf8)
            return bytes.prefix(textBytes / 2).flatMap {
                [digits[Int($0 >> 4)], digits[Int($0 & 15)]]
            }
        }
        guard bytes.count > textBytes else { return Array(bytes) }
        var end = textBytes
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(bytes[..<end])
    }

    @inline(__always)
    private mutating func insert(_ hash: UInt64, _ count: UInt64, _ text: () -> [UInt8]) {
        var slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
        while counts[slot] != 0 {
            if hashes[slot] == hash {
                counts[slot] += count
                return
            }
            slot = (slot + 1) & (Self.slots - 1)
        }
        hashes[slot] = hash
        counts[slot] = count
        texts[slot] = text()
        distinct += 1
        if distinct >= 2 * Self.most { reduce() }
    }

    package mutating func merge(_ other: FrequentTexts) {
        for slot in 0..<Self.slots where other.counts[slot] != 0 {
            insert(other.hashes[slot], other.counts[slot]) { other.texts[slot] }
        }
        lost += other.lost
        reduce()
    }

    /// The most frequent first, equal ones by their bytes.
    package var ordered: [(hash: UInt64, text: [UInt8], count: UInt64)] {
        (0..<Self.slots).filter { counts[$0] != 0 }
            .map { (hash: hashes[$0], text: texts[$0], count: counts[$0]) }
            .sorted {
                $0.count != $1.count
                    ? $0.count > $1.count : $0.text.lexicographicallyPrecedes($1.text)
            }
    }

    /// Leaves at most 256.
    mutating func reduce() {
        guard distinct > Self.most else { return }
        let level = counts.filter { $0 > 0 }.sorted(by: >)[Self.most]
        var reduced = FrequentTexts()
        reduced.lost = lost + level
        for slot in 0..<Self.slots where counts[slot] > level {
            reduced.insert(hashes[slot], counts[slot] - level) { texts[slot] }
        }
        self = reduced
    }
}

extension FrequentTexts: Hashable {
    package static func == (left: FrequentTexts, right: FrequentTexts) -> Bool {
        left.lost == right.lost && left.distinct == right.distinct
            && zip(left.ordered, right.ordered).allSatisfy { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(lost)
        for entry in ordered { hasher.combine(entry.count) }
    }
}

/// A hash of bytes that is the same on every machine.
enum TextHash {
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            hash = (hash ^ word) &* 0x2127_599B_F432_5C37
            hash ^= hash >> 47
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        return DistinctCounter.hash(hash ^ rest)
    }
}
