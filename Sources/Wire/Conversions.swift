package import Domain

extension ValueType {
    package init(wire: WireValueType) throws(AlulaError) {
        guard let item = ScalarType(rawValue: UInt8(clamping: wire.scalar.rawValue)) else {
            throw .invalid("value type \(wire.scalar.rawValue) is unknown")
        }
        switch (wire.list, wire.length) {
        case (false, 0): self = .scalar(item)
        case (true, 0): self = .list(item)
        case (true, let length) where length <= Limits.listLength:
            self = .fixedList(item, length: Int(length))
        default:
            throw .invalid("a list type has length \(wire.length): at most \(Limits.listLength)")
        }
    }
}

extension WireValueType {
    package init(_ type: ValueType) {
        self.init()
        scalar = WireScalarType(rawValue: Int(type.item.rawValue)) ?? .unspecified
        switch type {
        case .scalar: break
        case .list: list = true
        case .fixedList(_, let count):
            list = true
            length = UInt32(count)
        }
    }
}

extension Schema {
    package init(wire: WireSchema) throws(AlulaError) {
        guard wire.fields.count <= Limits.columns else {
            throw .invalid("a schema has \(wire.fields.count) columns: at most \(Limits.columns)")
        }
        var fields: [Field] = []
        var names: Set<String> = []
        for field in wire.fields {
            guard !field.name.isEmpty, field.name.utf8.count <= 4 * Limits.nameLength else {
                throw .invalid(
                    "a column has no name, or one of more than \(4 * Limits.nameLength) bytes"
                )
            }
            guard names.insert(field.name).inserted else {
                throw .invalid("column \"\(field.name)\" is there twice")
            }
            fields.append(Field(name: field.name, type: try ValueType(wire: field.type)))
        }
        self.init(fields: fields)
    }
}

extension WireSchema {
    package init(_ schema: Schema) {
        self.init()
        fields = schema.fields.map { WireField($0.name, $0.type) }
    }
}

extension WireField {
    package init(_ name: String, _ type: ValueType) {
        self.init()
        self.name = name
        self.type = WireValueType(type)
    }
}

extension AlulaError {
    package init(wire: WireFailure) {
        self.init(
            Code(rawValue: wire.code) ?? .unknown,
            wire.message,
            help: wire.help,
            details: wire.details,
            retry: Retry(rawValue: wire.retry) ?? .never
        )
    }
}

extension WireFailure {
    /// At most 1,000 details travel; the last says how many more there were.
    package init(_ error: AlulaError) {
        self.init()
        code = error.code.rawValue
        message = error.message
        help = error.help
        details = Array(error.details.prefix(1_000))
        if error.details.count > 1_000 { details.append("and \(error.details.count - 1_000) more") }
        retry = error.retry.rawValue
    }
}
