import Domain
import Glibc
import Synchronization

/// A row, or the knowledge that there is none, as it stands in the memory of the cache.
///
/// ```
///  0  u64 hash, of the key and the view
///  8  u32 view
/// 12  u32 bytes of the row
/// 16  u32 bytes of the record, a multiple of 8
/// 20  u16 bytes of the key
/// 22  u8  kind: 0 dead, 1 row, 2 absence
/// 23  u8  how often it was read, up to 3
/// 24  entity id and canonical key, filled up to 8
///     the row as it is stored, filled up to 8
/// ```
/// Readers change nothing but the last byte of the header, and only atomically.
@safe struct RowRecord {
    enum Kind: UInt8 {
        case dead = 0
        case row = 1
        case absence = 2
    }

    let start: UnsafeMutableRawPointer

    static let headerBytes = 24
    static let mostFrequent: UInt8 = 3

    @inline(__always)
    init(_ start: UnsafeMutableRawPointer) { unsafe self.start = unsafe start }

    @inline(__always)
    static func byteCount(key: Int, row: Int) -> Int {
        headerBytes + (key + 7) & ~7 + (row + 7) & ~7
    }

    @inline(__always)
    var hash: UInt64 { unsafe start.load(as: UInt64.self) }

    @inline(__always)
    var view: UInt32 { unsafe start.load(fromByteOffset: 8, as: UInt32.self) }

    @inline(__always)
    var rowBytes: Int { unsafe Int(start.load(fromByteOffset: 12, as: UInt32.self)) }

    @inline(__always)
    var byteCount: Int { unsafe Int(start.load(fromByteOffset: 16, as: UInt32.self)) }

    @inline(__always)
    var keyBytes: Int { unsafe Int(start.load(fromByteOffset: 20, as: UInt16.self)) }

    @inline(__always)
    var kind: Kind {
        get { unsafe Kind(rawValue: start.load(fromByteOffset: 22, as: UInt8.self)) ?? .dead }
        nonmutating set {
            unsafe start.storeBytes(of: newValue.rawValue, toByteOffset: 22, as: UInt8.self)
        }
    }

    @inline(__always)
    var row: UnsafeMutableRawPointer { unsafe start + (Self.headerBytes + (keyBytes + 7) & ~7) }

    /// How many bytes a row may have that takes the place of this one.
    var capacity: Int { byteCount - Self.headerBytes - (keyBytes + 7) & ~7 }

    @inline(__always)
    private var frequencyByte: UnsafeMutablePointer<Atomic<UInt8>> {
        unsafe (start + 23).assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    @inline(__always)
    var frequency: UInt8 {
        get { unsafe frequencyByte.pointee.load(ordering: .relaxed) }
        nonmutating set { unsafe frequencyByte.pointee.store(newValue, ordering: .relaxed) }
    }

    /// Counts a read; one that comes at the same moment may go uncounted.
    @inline(__always)
    func noteRead() {
        let times = frequency
        if times < Self.mostFrequent { frequency = times + 1 }
    }

    @inline(__always)
    func isOf(_ hash: UInt64, _ view: UInt32, _ key: UnsafeRawPointer, _ count: Int) -> Bool {
        guard self.hash == hash, self.view == view, keyBytes == count else { return false }
        let stored = unsafe UnsafeRawPointer(start + Self.headerBytes)
        guard count >= 8 else { return unsafe memcmp(stored, key, count) == 0 }
        var at = 0
        var difference: UInt64 = 0
        while at + 8 <= count {
            unsafe difference |= Self.word(stored, at) ^ Self.word(key, at)
            at += 8
        }
        unsafe difference |= Self.word(stored, count - 8) ^ Self.word(key, count - 8)
        return difference == 0
    }

    @inline(__always)
    private static func word(_ start: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Writes a record that no reader can find yet.
    func write(
        _ kind: Kind,
        hash: UInt64,
        view: UInt32,
        key: UnsafeRawBufferPointer,
        row: UnsafeRawBufferPointer,
        frequency: UInt8 = 0
    ) {
        let size = Self.byteCount(key: key.count, row: row.count)
        unsafe start.storeBytes(of: hash, as: UInt64.self)
        unsafe start.storeBytes(of: view, toByteOffset: 8, as: UInt32.self)
        setRowBytes(row.count)
        unsafe start.storeBytes(of: UInt32(size), toByteOffset: 16, as: UInt32.self)
        unsafe start.storeBytes(of: UInt16(key.count), toByteOffset: 20, as: UInt16.self)
        self.kind = kind
        self.frequency = frequency
        let target = unsafe start + Self.headerBytes
        if let key = key.baseAddress { unsafe target.copyMemory(from: key, byteCount: keyBytes) }
        if let source = row.baseAddress {
            unsafe self.row.copyMemory(from: source, byteCount: row.count)
        }
    }

    /// Puts a row where one of at most `capacity` bytes was.
    func overwrite(with row: UnsafeRawPointer, count: Int) {
        kind = .row
        setRowBytes(count)
        unsafe self.row.copyMemory(from: row, byteCount: count)
    }

    /// Writes this record where no reader can find it yet.
    func copy(to target: UnsafeMutableRawPointer, frequency: UInt8) {
        unsafe target.copyMemory(from: start, byteCount: Self.headerBytes - 1)
        unsafe RowRecord(target).frequency = frequency
        unsafe (target + Self.headerBytes).copyMemory(
            from: start + Self.headerBytes,
            byteCount: byteCount - Self.headerBytes
        )
    }

    private func setRowBytes(_ count: Int) {
        unsafe start.storeBytes(of: UInt32(count), toByteOffset: 12, as: UInt32.self)
    }
}
