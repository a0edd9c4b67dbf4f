import Domain
import GRDB

extension RegistryTables {
    func alias(_ name: AliasName, of model: ModelRow) throws -> ModelAlias? {
        try row(
            "SELECT * FROM model_alias WHERE model = ? AND name = ?",
            [model.id, name.text]
        ).map(Self.alias)
    }

    func aliases(of model: ModelRow) throws -> [ModelAlias] {
        try rows("SELECT * FROM model_alias WHERE model = ? ORDER BY name", [model.id])
            .map(Self.alias)
    }

    func requireAlias(_ name: AliasName, of model: ModelRow) throws -> ModelAlias {
        if let found = try alias(name, of: model) { return found }
        throw AlulaError.notFound(
            "model \(model.name) has no alias \"\(name)\""
                + hint(name.text, among: try aliases(of: model).map(\.name.text)),
            help: "set one: alula alias set \(model.name) \(name) VERSION"
        )
    }

    func put(_ alias: ModelAlias, of model: ModelRow) throws {
        try execute(
            """
            INSERT INTO model_alias VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (model, name) DO UPDATE SET version = excluded.version,
                protected = excluded.protected, since = excluded.since, actor = excluded.actor
            """,
            [
                model.id, alias.name.text, alias.version, alias.isProtected,
                alias.since.microseconds, alias.actor,
            ]
        )
    }

    func remove(_ alias: ModelAlias, of model: ModelRow) throws {
        try execute(
            "DELETE FROM model_alias WHERE model = ? AND name = ?",
            [model.id, alias.name.text]
        )
    }

    private static func alias(_ row: Row) throws -> ModelAlias {
        ModelAlias(
            name: try AliasName(row["name"], as: "alias"),
            version: row["version"],
            isProtected: row["protected"],
            since: Timestamp(microseconds: row["since"]),
            actor: row["actor"]
        )
    }
}
