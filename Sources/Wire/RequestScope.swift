package import Domain
package import NIOCore

/// The project and the names that a request is about, read from its first bytes before anything
/// else of it is decoded.
///
/// Only the top of the message is walked, nothing is copied but what is asked for, and a message
/// that says a thing twice is refused: protobuf would take the last, or merge both.
package struct RequestScope: Sendable, Equatable {
    /// Empty where the request names none.
    package var project = ""
    /// For each field asked for, what it names, in their order.
    package var names: [[String]]

    package init(
        of control: ByteBuffer,
        fields: [ScopeField]
    ) throws(AlulaError) {
        names = Array(repeating: [], count: fields.count)
        var reader = FieldReader(control)
        var hasHead = false
        while let field = try reader.next() {
            if field.number == Self.headField {
                guard !hasHead, var head = field.bytes else { throw Self.broken }
                hasHead = true
                try readHead(&head)
            } else if let index = fields.firstIndex(where: { $0.number == field.number }) {
                guard let bytes = field.bytes else { throw Self.broken }
                // Fields that name several things repeat; those that name one must not.
                let most = fields[index].isRepeated ? Limits.columns : 1
                guard names[index].count < most else { throw Self.broken }
                names[index].append(try Self.text(bytes))
            }
        }
    }

    private mutating func readHead(_ head: inout ByteBuffer) throws(AlulaError) {
        var reader = FieldReader(head)
        var hasProject = false
        while let field = try reader.next() {
            guard field.number == Self.projectField else { continue }
            guard !hasProject, let bytes = field.bytes else { throw Self.broken }
            hasProject = true
            project = try Self.text(bytes)
        }
    }

    /// A reference `name@version` is a little longer than a name.
    private static func text(_ bytes: ByteBuffer) throws(AlulaError) -> String {
        guard bytes.readableBytes <= Limits.nameLength + 16 else { throw broken }
        return String(buffer: bytes)
    }

    private static let headField: UInt32 = 1
    private static let projectField: UInt32 = 1
    fileprivate static let broken = AlulaError.invalid(
        "what this request is about cannot be read from its head",
        help: "a request names its project, and each thing in it, once"
    )
}

extension ScopeField {
    fileprivate var isRepeated: Bool { kind == .view && whenEmpty == .everything }
}

/// Walks the fields of one protobuf message, without those inside of them.
private struct FieldReader {
    struct Field {
        var number: UInt32
        /// Nil for numbers.
        var bytes: ByteBuffer?
    }

    private var rest: ByteBuffer

    init(_ message: ByteBuffer) { rest = message }

    mutating func next() throws(AlulaError) -> Field? {
        guard rest.readableBytes > 0 else { return nil }
        let tag = try varint()
        guard tag <= UInt64(UInt32.max), tag >> 3 > 0 else { throw RequestScope.broken }
        let number = UInt32(tag >> 3)
        switch tag & 7 {
        case 0:
            _ = try varint()
            return Field(number: number)
        case 1:
            try skip(8)
            return Field(number: number)
        case 2:
            let length = try varint()
            guard length <= UInt64(rest.readableBytes),
                let bytes = rest.readSlice(length: Int(length))
            else { throw RequestScope.broken }
            return Field(number: number, bytes: bytes)
        case 5:
            try skip(4)
            return Field(number: number)
        default:
            throw RequestScope.broken  // groups: none of our messages has one
        }
    }

    private mutating func skip(_ count: Int) throws(AlulaError) {
        guard rest.readableBytes >= count else { throw RequestScope.broken }
        rest.moveReaderIndex(forwardBy: count)
    }

    private mutating func varint() throws(AlulaError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard let byte = rest.readInteger(as: UInt8.self) else { throw RequestScope.broken }
            guard shift < 63 || byte <= 1 else { throw RequestScope.broken }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte & 0x80 == 0 { return value }
        }
        throw RequestScope.broken
    }
}
