/// Changes of what readers see, gathered while readers go on, to be made together in one moment.
@safe struct SlotEdits {
    enum Kind {
        case insert
        /// The record `from` gives its slot to `to`, of the same key.
        case replace
        case remove
        /// The row of `from` becomes the staged one.
        case overwrite
    }

    struct Edit {
        var kind: Kind
        var hash: UInt64
        var from: RowRecord
        var to: RowRecord
        var place: Int32 = 0
        var size: Int32 = 0
    }

    static let most = 64
    private static let mostStagedBytes = 64 << 10

    private let edits: UnsafeMutablePointer<Edit>
    private(set) var count = 0
    /// New bytes of rows that are overwritten.
    private let staged: UnsafeMutablePointer<RowArena>

    static var byteCount: Int { most * MemoryLayout<Edit>.stride + mostStagedBytes }

    init() {
        unsafe edits = .allocate(capacity: Self.most)
        unsafe staged = .allocate(capacity: 1)
        unsafe staged.initialize(to: RowArena(reservingBytes: 4 << 10))
    }

    func destroy() {
        unsafe staged.deinitialize(count: 1)
        unsafe staged.deallocate()
        unsafe edits.deallocate()
    }

    var isFull: Bool { unsafe count == Self.most || staged.pointee.count >= Self.mostStagedBytes }

    subscript(index: Int) -> Edit { unsafe edits[index] }

    mutating func append(_ kind: Kind, _ hash: UInt64, from: RowRecord, to: RowRecord) {
        unsafe edits[count] = Edit(kind: kind, hash: hash, from: from, to: to)
        count += 1
    }

    mutating func appendOverwrite(
        _ hash: UInt64,
        _ record: RowRecord,
        _ row: UnsafeRawBufferPointer
    ) {
        unsafe edits[count] = unsafe Edit(
            kind: .overwrite,
            hash: hash,
            from: record,
            to: record,
            place: staged.pointee.append(row),
            size: Int32(row.count)
        )
        count += 1
    }

    func stagedRow(_ edit: Edit) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(staged.pointee.base + Int(edit.place))
    }

    /// Whether a record of this hash is among them.
    func contains(_ hash: UInt64) -> Bool {
        for index in 0..<count where unsafe edits[index].hash == hash { return true }
        return false
    }

    mutating func removeAll() {
        count = 0
        unsafe staged.pointee.removeAll()
    }
}
