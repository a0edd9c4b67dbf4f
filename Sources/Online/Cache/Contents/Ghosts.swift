/// Remembers hashes of rows that went before they were read twice, for about as long as it takes
/// that many others to go.
///
/// Four fingerprints of 32 bits a bucket, the newest first.
@safe struct Ghosts {
    private let memory: MappedMemory
    private let fingerprints: UnsafeMutablePointer<UInt32>
    private let mask: UInt64

    private static let ways = 4

    /// `byteCount` is a power of two of at least 16.
    init(byteCount: Int) {
        memory = MappedMemory(byteCount: byteCount, large: byteCount >= MappedMemory.largePage)
        unsafe fingerprints = unsafe memory.start.bindMemory(
            to: UInt32.self,
            capacity: byteCount / 4
        )
        mask = UInt64(byteCount / 16 - 1)
    }

    func destroy() { memory.unmap() }

    func insert(_ hash: UInt64) {
        let bucket = unsafe bucket(hash)
        for way in stride(from: Self.ways - 1, to: 0, by: -1) {
            unsafe bucket[way] = unsafe bucket[way - 1]
        }
        unsafe bucket[0] = Self.fingerprint(hash)
    }

    /// Whether the hash is remembered; it is not afterwards.
    func take(_ hash: UInt64) -> Bool {
        let bucket = unsafe bucket(hash)
        let fingerprint = Self.fingerprint(hash)
        for way in 0..<Self.ways where unsafe bucket[way] == fingerprint {
            for later in way..<Self.ways - 1 { unsafe bucket[later] = unsafe bucket[later + 1] }
            unsafe bucket[Self.ways - 1] = 0
            return true
        }
        return false
    }

    private func bucket(_ hash: UInt64) -> UnsafeMutablePointer<UInt32> {
        unsafe fingerprints + Int(truncatingIfNeeded: (hash >> 8 & mask) << 2)
    }

    /// Never 0; of other bits than the bucket's where there are enough.
    private static func fingerprint(_ hash: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: hash >> 32) | 1
    }
}
