import ArgumentParser
import Client
import Domain
import Search
import Tabular
import Wire

struct LineageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage",
        abstract: "Show what a version was made of, or what was made of something.",
        discussion: """
            alula lineage MODEL VERSION goes down to imports, pushes and artifacts; alula lineage \
            run:ID shows what a run read and made, and the versions registered from it. \
            alula lineage --from SOURCE lists the versions that it went into, live ones first; \
            SOURCE is view:NAME, feature:VIEW:NAME, service:NAME, service:NAME@VERSION, \
            training_set:ID, import:ID, run:ID or artifact:SHA-256.
            """
    )

    @Argument(help: "The model, or run:ID.") var model: String?
    @Argument(help: "The version.") var version: UInt32?
    @Option(help: ArgumentHelp("What versions were made of.", valueName: "source"))
    var from: String?
    @Flag(help: "Print a Mermaid diagram.") var mermaid = false
    @OptionGroup var options: ServerOptions

    func validate() throws {
        let isOfVersion = model != nil && version != nil
        let isOfRun = runID != nil && version == nil
        guard [isOfVersion, isOfRun, from != nil].count(where: \.self) == 1,
            from == nil || model == nil
        else {
            throw ValidationError("Name a model and a version, run:ID, or --from.")
        }
        guard !mermaid || !options.json else {
            throw ValidationError("--mermaid and --json are two forms of the same: take one.")
        }
    }

    func run() async throws {
        guard let from else {
            let client = try options.client()
            let lineage =
                if let runID { try await client.lineage(run: runID) } else {
                    try await client.lineage(model: model ?? "", version: version ?? 0)
                }
            guard !mermaid else { return Output.line(MermaidText.diagram(of: lineage)) }
            guard !options.json else { return Output.json(LineageText.json(lineage)) }
            return LineageText.show(lineage)
        }
        let trace = try await options.client().trace(try Self.request(from))
        guard !mermaid else { return Output.line(MermaidText.diagram(of: trace.graph)) }
        guard !options.json else { return Output.json(LineageText.json(trace)) }
        LineageText.show(trace)
    }

    private var runID: String? {
        guard version == nil, let model, model.hasPrefix("run:") else { return nil }
        return String(model.dropFirst(4))
    }

    private static func request(_ text: String) throws -> WireTraceRequest {
        var request = WireTraceRequest()
        switch try SearchSource(text: text) {
        case .view(let view): request.view = view.text
        case .feature(let view, let feature):
            request.view = view.text
            request.feature = feature.text
        case .service(let service): request.service = service.description
        case .trainingSet(let id): request.trainingSet = id.text
        case .importID(let id): request.importID = id
        case .run(let id): request.run = id.text
        case .artifact(let digest): request.artifact = digest.description
        }
        return request
    }
}

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what differs between two versions of a model.",
        discussion: "Params, metrics, features, data, inputs, outputs, artifacts, code and tags."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The version that is compared with.") var before: UInt32
    @Argument(help: "The version that is compared.") var after: UInt32
    @Flag(help: "Print a Mermaid diagram.") var mermaid = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let diff = try await options.client().diff(model: model, before: before, after: after)
        guard !mermaid else { return Output.line(MermaidText.diagram(of: diff)) }
        guard !options.json else { return Output.json(DiffText.json(diff)) }
        DiffText.show(diff)
    }
}

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a Markdown page on a version that may be promoted, for a build to show.",
        discussion: """
            Compares it with who holds the stage, and says what the gate would. Exits with 0 where \
            the gate would let it in, 1 where not, 2 where there is no report.
            """
    )

    @Argument(help: "The model.") var model: String
    @Option(help: ArgumentHelp("The version that may be promoted.", valueName: "version"))
    var candidate: UInt32
    @Option(help: "The stage; else the one behind the stage that the version is in.")
    var stage = ""
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let report: WireReport
        do {
            report = try await options.client().report(
                model: model,
                candidate: candidate,
                stage: stage
            )
        } catch let error as AlulaError {
            Output.error(error)
            throw ExitCode(2)
        }
        if options.json {
            Output.json(DiffText.json(report))
        } else {
            Output.page(report.markdown)
        }
        if !report.passed { throw Refused() }
    }
}
