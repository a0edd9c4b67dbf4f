import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Models: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the models, or show what held the stages of one at a moment."
    )

    @Argument(help: "A model, with --at.") var model: String?
    @Option(help: ArgumentHelp("The moment, such as 2026-11-21T10:00:00Z.", valueName: "time"))
    var at: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        switch (model, at) {
        case (let model?, let at?): return try await show(model, at: at)
        case (nil, .some): throw ValidationError("--at is asked of one model: name it")
        case (_, nil): break
        }
        let models = try await options.client().models()
        guard !options.json else { return Output.json(.array(models.map(Self.json))) }
        var table = TextTable([
            ("model", .left), ("newest", .right), ("staging", .right), ("production", .right),
        ])
        for model in models where self.model == nil || self.model == model.name {
            let held = ["staging", "production"].map { stage -> String in
                let holders = model.holders.filter { $0.stage == stage && $0.share > 0 }
                guard holders.count > 1 else { return holders.first.map { "\($0.version)" } ?? "-" }
                return holders.map { "\($0.version) (\(ShareText.of($0.share)))" }
                    .joined(separator: ", ")
            }
            table.add([model.name, String(model.newestVersion)] + held)
        }
        Output.table(table)
    }

    private func show(_ model: String, at text: String) async throws {
        let moment = try Timestamp(option: "--at", text)
        let tenures = try await options.client().stages(of: model, at: moment.microseconds)
        guard !options.json else { return Output.json(.array(tenures.map(Self.json))) }
        var table = TextTable([
            ("stage", .left), ("version", .right), ("share", .right), ("since", .left),
            ("until", .left),
        ])
        for tenure in tenures {
            table.add([
                tenure.stage, String(tenure.version), ShareText.of(tenure.share),
                Timestamp.text(tenure.sinceUs),
                tenure.holds ? "" : Timestamp.text(tenure.untilUs),
            ])
        }
        Output.table(table)
    }

    private static func json(_ tenure: WireStageTenure) -> JSONValue {
        .object([
            ("stage", .string(tenure.stage)), ("version", .uint(UInt64(tenure.version))),
            ("share", .string(ShareText.of(tenure.share))),
            ("since", .time(tenure.sinceUs)),
            ("until", tenure.holds ? .null : .time(tenure.untilUs)),
        ])
    }

    private static func json(_ model: WireRegisteredModel) -> JSONValue {
        .object([
            ("name", .string(model.name)), ("revision", .uint(model.revision)),
            ("newest_version", .uint(UInt64(model.newestVersion))),
            ("aliases", .array(model.aliases.map(AliasText.json))),
            (
                "holders",
                .array(
                    model.holders.map(json)
                )
            ),
            ("shadows", .array(model.shadows.map(json))),
        ])
    }

    static func json(_ holder: WireStageHolder) -> JSONValue {
        .object([
            ("stage", .string(holder.stage)), ("version", .uint(UInt64(holder.version))),
            ("since", .time(holder.sinceUs)),
            ("share", .string(ShareText.of(holder.share))),
            ("previous", holder.previous == 0 ? .null : .uint(UInt64(holder.previous))),
        ])
    }
}

/// Who holds which stage of a model.
struct Stages: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who holds the stages of a model, with which shares, and their shadows."
    )

    @Argument(help: "The model.") var model: String
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let models = try await options.client().models()
        guard let found = models.first(where: { $0.name == model }) else {
            throw AlulaError.notFound("there is no model \"\(model)\"", help: "see alula models")
        }
        guard !options.json else {
            return Output.json(
                .object([
                    ("model", .string(found.name)), ("revision", .uint(found.revision)),
                    ("holders", .array(found.holders.map(Models.json))),
                    ("shadows", .array(found.shadows.map(Models.json))),
                ])
            )
        }
        var table = TextTable([
            ("stage", .left), ("version", .right), ("share", .right), ("since", .left),
            ("rollback to", .right),
        ])
        for holder in found.holders {
            table.add([
                holder.stage, String(holder.version), ShareText.of(holder.share),
                Timestamp.text(holder.sinceUs),
                holder.previous == 0 ? "" : String(holder.previous),
            ])
        }
        for shadow in found.shadows {
            table.add([
                shadow.stage, String(shadow.version), "shadow", Timestamp.text(shadow.sinceUs), "",
            ])
        }
        Output.table(table)
    }
}

struct Versions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the versions of a model or of all, newest first, find some, or show one.",
        discussion: """
            alula versions --where 'stage = production and uses view:credit_history'; \
            docs/SEARCH.md describes the language.
            """
    )

    @Argument(help: "The model; else all.") var model: String?
    @Argument(help: "A version.") var version: UInt32?
    @OptionGroup var search: SearchOptions
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        if let version {
            guard let model, !search.isSearch else {
                throw ValidationError("A version is shown by itself: alula versions MODEL VERSION.")
            }
            let found = try await client.version(version, of: model)
            return VersionText.show(found, json: options.json)
        }
        let versions = try await client.searchVersions(
            of: model ?? "",
            where: search.where,
            order: search.order,
            limit: search.limit
        )
        guard !options.json else { return Output.json(.array(versions.map(VersionText.json))) }
        var table = TextTable([
            ("model", .left), ("version", .right), ("stage", .left), ("registered", .left),
            ("service", .left),
            ("metrics", .left), ("run", .left),
        ])
        for version in versions {
            table.add([
                version.model, String(version.version), version.stage,
                Timestamp.text(version.registeredUs),
                version.service, RunText.metrics(version.metrics), version.run,
            ])
        }
        Output.table(table)
    }
}

struct Register: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Register the next version of a model."
    )

    @Argument(help: "The model; made if new.") var model: String
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Its files and directories.", valueName: "path")
    )
    var artifact: [String] = []
    @Option(help: "The run that made it.") var run: String
    @Option(help: "The service it reads; else that of the run's training set.") var service = ""
    @Option(help: "The training set; else the run's.") var trainingSet = ""
    @Option(help: "What it is.") var description = ""
    @Option(help: ArgumentHelp("A tag.", valueName: "name=value")) var tag: [String] = []
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let progress = Progress(json: options.json)
        var request = WireRegisterVersionRequest()
        let upload = ArtifactUpload(client: client, progress: progress)
        for path in artifact { request.artifacts.append(try await upload.put(path)) }
        progress.finish()
        request.model = model
        request.run = run
        request.service = service
        request.trainingSet = trainingSet
        request.description_p = description
        request.tags = try KeyValues.wire(tag)
        VersionText.show(try await client.registerVersion(request), json: options.json)
    }
}
