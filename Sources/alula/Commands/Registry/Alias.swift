import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Alias: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Names that point at versions of a model.",
        subcommands: [SetAlias.self, DeleteAlias.self, ListAliases.self],
        defaultSubcommand: ListAliases.self
    )
}

struct SetAlias: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Let an alias point at a version."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The alias; made if new.") var alias: String
    @Argument(help: "The version.") var version: UInt32
    @Flag(
        inversion: .prefixedNo,
        help: "Only a verified promoter may move or delete it from now on."
    )
    var protect: Bool?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        var request = WireSetAliasRequest()
        request.model = model
        request.alias = alias
        request.version = version
        request.protection = protect.map { $0 ? .on : .off } ?? .asItIs
        AliasText.show(try await options.client().setAlias(request), model, json: options.json)
    }
}

struct DeleteAlias: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an alias; the version stays."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The alias.") var alias: String
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let gone = try await options.client().deleteAlias(alias, of: model)
        guard !options.json else { return Output.json(AliasText.json(gone)) }
        Output.line("\(gone.name) no longer points at \(model) version \(gone.version)")
    }
}

struct ListAliases: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the aliases of a model."
    )

    @Argument(help: "The model.") var model: String
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let aliases = try await options.client().aliases(of: model)
        guard !options.json else { return Output.json(.array(aliases.map(AliasText.json))) }
        var table = TextTable([
            ("alias", .left), ("version", .right), ("protected", .left), ("since", .left),
            ("by", .left),
        ])
        for alias in aliases {
            table.add([
                alias.name, String(alias.version), alias.protected ? "yes" : "no",
                Timestamp.text(alias.sinceUs), alias.actor,
            ])
        }
        Output.table(table)
    }
}

/// An alias for people and for machines.
enum AliasText {
    static func show(_ alias: WireModelAlias, _ model: String, json: Bool) {
        guard !json else { return Output.json(self.json(alias)) }
        Output.line(
            "\(alias.name) points at \(model) version \(alias.version)"
                + (alias.protected ? " and is protected" : "")
        )
    }

    static func json(_ alias: WireModelAlias) -> JSONValue {
        .object([
            ("alias", .string(alias.name)), ("version", .uint(UInt64(alias.version))),
            ("protected", .bool(alias.protected)), ("since", .time(alias.sinceUs)),
            ("by", .string(alias.actor)),
        ])
    }
}
