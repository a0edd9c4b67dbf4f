import ArgumentParser

/// What every list that can be searched takes.
struct SearchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only those for which this is true.", valueName: "expression"))
    var `where` = ""

    @Option(
        help: ArgumentHelp(
            "Sorted by a field, as 'metric.auc desc'; else newest first.",
            valueName: "field [asc|desc]"
        )
    )
    var order = ""

    @Option(help: "At most so many.") var limit = 100

    var isSearch: Bool { !`where`.isEmpty || !order.isEmpty }

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1.") }
    }
}
