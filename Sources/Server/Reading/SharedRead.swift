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
///
/// What one of them cannot take, such as a request that lacks a field of it, is refused to rows that meet
/// it, and to no others; a shadow is left out then.
final class SharedRead {
    /// Rows of one version, in the order of the request.
    struct Group {
        let read: PreparedRead
        let rows: [Int32]
        let isShadow: Bool
    }

    /// What a version reads, or why it cannot.
    struct Part {
        let version: UInt32
        /// Nil of a version that has no service.
        let plan: FeaturePlan?
        let read: Result<PreparedRead, AlulaError>
    }

    let catalogRevision: UInt64
    let modelsRevision: UInt64?
    private let parts: [Part]
    /// Of a part that can be read.
    private let first: PreparedRead
    private let shadow: Part?
    private let choice: HolderChoice
    private let schema: Schema
    private let keys: [(place: Int, type: KeyType, name: String)]

    /// In the order of the choice; throws where none of them can be read.
    init(_ parts: [Part], shadow: Part?, choice: HolderChoice) throws(AlulaError) {
        guard let any = parts.first else {
            throw AlulaError(.internal, "a stage is shared by nobody")
        }
        let ready = parts.lazy.compactMap { part -> PreparedRead? in
            guard case .success(let read) = part.read else { return nil }
            return read
        }
        first = if let found = ready.first { found } else { try any.read.get() }
        self.parts = parts
        self.shadow = shadow
        self.choice = choice
        schema = first.schema
        catalogRevision = first.catalogRevision
        modelsRevision = first.modelsRevision
        keys = Self.keys(parts, first.schema)
    }

    /// The keys that all versions have; where there are none, those of any.
    private static func keys(
        _ parts: [Part],
        _ schema: Schema
    ) -> [(place: Int, type: KeyType, name: String)] {
        var types: [String: (type: KeyType, count: Int)] = [:]
        let plans = parts.compactMap(\.plan)
        for plan in plans {
            for key in plan.keyColumns {
                types[key.name.text, default: (key.type, 0)].count += 1
            }
        }
        let common = types.filter { $0.value.count == plans.count }
        return (common.isEmpty ? types : common).sorted { $0.key < $1.key }.compactMap {
            name,
            found in
            schema.fields.firstIndex { $0.name == name }.map { ($0, found.type, name) }
        }
    }

    /// The one version that all rows meet, if it can be read; nil where they meet several, or the shadow
    /// is asked for.
    func only(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> PreparedRead? {
        let holders = try unsafe holders(bytes)
        guard let holder = holders.first else { return first }
        guard shadow == nil, holders.allSatisfy({ $0 == holder }),
            case .success(let read) = parts[Int(holder)].read
        else { return nil }
        return read
    }

    /// Who reads which rows; the shadow reads all.
    ///
    /// `refused` is told of rows that met a version that cannot be read: all of the request is refused
    /// then.
    func groups(
        _ bytes: UnsafeRawBufferPointer,
        refused: (_ version: UInt32, _ rows: Int) -> Void
    ) throws(AlulaError) -> [Group] {
        let holders = try unsafe holders(bytes)
        var rows = [[Int32]](repeating: [], count: parts.count)
        for (row, holder) in holders.enumerated() {
            rows[Int(holder)].append(Int32(truncatingIfNeeded: row))
        }
        var groups: [Group] = []
        var failure: AlulaError?
        for (part, rows) in zip(parts, rows) where !rows.isEmpty {
            switch part.read {
            case .success(let read): groups.append(Group(read: read, rows: rows, isShadow: false))
            case .failure(let error):
                refused(part.version, rows.count)
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        guard let shadow else { return groups }
        switch shadow.read {
        case .success(let read):
            let all = Array(0..<Int32(truncatingIfNeeded: holders.count))
            groups.append(Group(read: read, rows: all, isShadow: true))
        case .failure: refused(shadow.version, holders.count)
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
