import Codec
import Domain
import Online

/// What a control message asks for, worked out.
enum Prepared {
    case one(PreparedRead)
    case shared(SharedRead)
}

/// A read of a stage that several versions answer for, or of its shadow too: each row is read as the
/// version that its keys meet was trained.
final class SharedRead {
    /// Rows of one version, in the order of the request.
    struct Group {
        let read: PreparedRead
        let rows: [Int32]
        let isShadow: Bool
    }

    let catalogRevision: UInt64
    let modelsRevision: UInt64?
    private let reads: [PreparedRead]
    private let shadow: PreparedRead?
    private let choice: HolderChoice
    private let schema: Schema
    private let keys: [(place: Int, type: KeyType, name: String)]

    /// `reads` are those of the parts, in their order.
    init(
        _ reads: [PreparedRead],
        shadow: PreparedRead?,
        choice: HolderChoice
    ) throws(AlulaError) {
        guard let first = reads.first else {
            throw AlulaError(.internal, "a stage is shared by nobody")
        }
        self.reads = reads
        self.shadow = shadow
        self.choice = choice
        schema = first.schema
        catalogRevision = first.catalogRevision
        modelsRevision = first.modelsRevision
        keys = Self.keys(reads, first.schema)
    }

    /// The keys that all versions have; where there are none, those of any.
    private static func keys(
        _ reads: [PreparedRead],
        _ schema: Schema
    ) -> [(place: Int, type: KeyType, name: String)] {
        var types: [String: (type: KeyType, count: Int)] = [:]
        for read in reads {
            for key in read.plan.plan.keyColumns {
                types[key.name.text, default: (key.type, 0)].count += 1
            }
        }
        let common = types.filter { $0.value.count == reads.count }
        return (common.isEmpty ? types : common).sorted { $0.key < $1.key }.compactMap {
            name,
            found in
            schema.fields.firstIndex { $0.name == name }.map { ($0, found.type, name) }
        }
    }

    /// The one version that all rows meet; nil where they meet several, or the shadow is asked for.
    func only(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> PreparedRead? {
        let holders = try unsafe holders(bytes)
        guard let first = holders.first else { return reads.first }
        guard shadow == nil else { return nil }
        return holders.allSatisfy { $0 == first } ? reads[Int(first)] : nil
    }

    /// Who reads which rows; the shadow reads all.
    func groups(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> [Group] {
        let holders = try unsafe holders(bytes)
        var rows = [[Int32]](repeating: [], count: reads.count)
        for (row, holder) in holders.enumerated() {
            rows[Int(holder)].append(Int32(truncatingIfNeeded: row))
        }
        var groups = zip(reads, rows).filter { !$1.isEmpty }.map {
            Group(read: $0, rows: $1, isShadow: false)
        }
        if let shadow {
            let all = Array(0..<Int32(truncatingIfNeeded: holders.count))
            groups.append(Group(read: shadow, rows: all, isShadow: true))
        }
        return groups
    }

    private func holders(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> [UInt8] {
        let batch = try unsafe BatchCodec.decode(bytes, schema: schema, maxRows: Limits.readKeys)
        var columns: [Column] = []
        for key in keys {
            columns.append(
                try KeyColumns.cast(batch.columns[key.place], to: key.type, named: key.name)
            )
        }
        return choice.holders(of: columns, rows: batch.rowCount)
    }
}
