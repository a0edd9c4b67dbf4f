import Glibc

/// Keys end to end, without an array for each.
package struct LookupKeys: Sendable {
    fileprivate var bytes: [UInt8] = []
    fileprivate var ends: [Int] = []

    package init(reservingKeys keys: Int = 0, bytes byteCount: Int = 0) {
        ends.reserveCapacity(keys)
        bytes.reserveCapacity(byteCount)
    }

    package var count: Int { ends.count }

    /// Adds the key that `build` appends to the bytes.
    package mutating func append(_ build: (inout [UInt8]) -> Void) {
        build(&bytes)
        ends.append(bytes.count)
    }

    package subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// The keys in ascending order, each once: RocksDB 7.8 may answer wrongly where a key comes
    /// twice.
    package func sorted() -> SortedKeys { SortedKeys(self) }
}

/// Keys that ascend, each once, and where each key of the list they came from stands among them.
package struct SortedKeys: Sendable {
    private let list: LookupKeys
    /// For each key, its number in the list.
    private let order: [Int]
    /// For each key of the list, its number here.
    package let places: [Int]

    init(_ list: LookupKeys) {
        self.list = list
        var places = [Int](repeating: 0, count: list.count)
        var unique: [Int] = []
        unique.reserveCapacity(list.count)
        list.bytes.withUnsafeBytes { bytes in
            func key(_ index: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(
                    rebasing: bytes[(index == 0 ? 0 : list.ends[index - 1])..<list.ends[index]]
                )
            }
            let sorted = (0..<list.count).sorted { compare(key($0), key($1)) < 0 }
            for index in sorted {
                if let last = unique.last, compare(key(last), key(index)) == 0 {
                    places[index] = unique.count - 1
                } else {
                    places[index] = unique.count
                    unique.append(index)
                }
            }
        }
        order = unique
        self.places = places
    }

    package var count: Int { order.count }

    /// The number in the list of a key here, the first where it came more than once.
    package func first(_ index: Int) -> Int { order[index] }

    package subscript(index: Int) -> ArraySlice<UInt8> { list[order[index]] }

    /// Pointers to all keys and their sizes, in order, for the length of the call.
    func withPointers<Result>(
        _ body: ([UnsafePointer<CChar>?], [Int]) -> Result
    ) -> Result {
        list.bytes.withUnsafeBytes { bytes in
            var pointers: [UnsafePointer<CChar>?] = []
            var sizes: [Int] = []
            pointers.reserveCapacity(order.count)
            sizes.reserveCapacity(order.count)
            for index in order {
                let start = index == 0 ? 0 : list.ends[index - 1]
                pointers.append(bytes.chars + start)
                sizes.append(list.ends[index] - start)
            }
            return body(pointers, sizes)
        }
    }
}

private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let start = left.baseAddress, let other = right.baseAddress {
        let order = memcmp(start, other, common)
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}
