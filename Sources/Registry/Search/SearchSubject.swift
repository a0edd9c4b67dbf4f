package import Domain
package import Search

/// What is searched.
package enum SearchSubject: Sendable, Hashable {
    /// Of one experiment or of all.
    case runs(ExperimentName?)
    /// Of one model or of all.
    case versions(RegisteredModelName?)
}

/// What is asked of a list: a filter, an order, and which part.
package struct SearchRequest: Sendable {
    package var expression: SearchExpression?
    /// Nil is newest first.
    package var order: SearchOrder?
    package var limit: Int
    /// Of the page before; empty for the first page.
    package var token: String
    /// The models that the caller may know of; nil is all.
    package var models: Set<RegisteredModelName>?

    /// Empty texts ask for nothing; a limit of 0 is the usual one.
    package init(
        where expression: String = "",
        order: String = "",
        limit: UInt32 = 0,
        token: String = "",
        models: Set<RegisteredModelName>? = nil
    ) throws(AlulaError) {
        self.expression = expression.isEmpty ? nil : try SearchExpression(parsing: expression)
        self.order = order.isEmpty ? nil : try SearchOrder(parsing: order)
        self.limit = try PageRequest(limit: limit).limit
        self.token = token
        self.models = models
    }
}

/// What is known of an import, to tell which training sets saw its rows.
package struct ImportFact: Sendable, Hashable {
    package var view: FeatureViewID
    /// Nil while it is not published.
    package var logEntry: UInt64?
    /// From which entry on its rows are hidden.
    package var retracted: UInt64?

    package init(view: FeatureViewID, logEntry: UInt64?, retracted: UInt64?) {
        self.view = view
        self.logEntry = logEntry
        self.retracted = retracted
    }
}
