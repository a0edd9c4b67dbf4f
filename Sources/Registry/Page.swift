package import Domain

/// Which part of a list is asked for.
package struct PageRequest: Sendable, Hashable {
    /// How many items at most.
    package let limit: Int
    /// The number of the last item of the page before; nil for the first page.
    package let after: Int64?

    /// `token` is that of the page before, empty for the first page; a limit of 0 is the usual one.
    package init(token: String = "", limit: UInt32 = 0) throws(AlulaError) {
        self.limit = limit == 0 ? Self.usualLimit : min(Int(limit), Self.largestLimit)
        guard !token.isEmpty else {
            after = nil
            return
        }
        guard token.utf8.count <= 20, let number = Int64(token), number > 0 else {
            throw .invalid("this page token is none: give that of the page before, or none")
        }
        after = number
    }

    private static let usualLimit = 100
    private static let largestLimit = 1_000
}

/// A part of a list, which does not shift when items are added to the list.
package struct Page<Item: Sendable>: Sendable {
    package struct Entry: Sendable {
        package var item: Item
        /// Asks for what comes behind this item.
        package var token: String
    }

    package var entries: [Entry]
    /// Whether there is more behind it.
    package var hasMore: Bool

    /// `found` has one item more than was asked for where there is more.
    package init(_ found: [(number: Int64, item: Item)], _ request: PageRequest) {
        entries = found.prefix(request.limit).map {
            Entry(item: $0.item, token: String($0.number))
        }
        hasMore = found.count > request.limit
    }

    /// Likewise, with a token for each item.
    init(_ found: [(token: String, item: Item)], limit: Int) {
        entries = found.prefix(limit).map { Entry(item: $0.item, token: $0.token) }
        hasMore = found.count > limit
    }

    package var items: [Item] { entries.map(\.item) }
}
