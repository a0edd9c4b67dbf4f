/// The names and types of the columns of a record batch, in order.
public struct Schema: Sendable, Hashable {
    public struct Field: Sendable, Hashable {
        public var name: String
        public var type: ValueType

        public init(name: String, type: ValueType) {
            self.name = name
            self.type = type
        }
    }

    public var fields: [Field]

    public init(fields: [Field]) { self.fields = fields }

    /// Where the column of this name stands; nil where there is none.
    public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}
