import ArgumentParser
import Bench
import Client
import Domain
import Tabular
import Wire

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a server under load, and the limits beside it.",
        subcommands: [BenchLoad.self, BenchLimits.self, BenchPermission.self],
        defaultSubcommand: BenchLoad.self
    )
}

struct BenchLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Read a service, or push to a view, from many connections.",
        discussion: """
            Requests are made before the load begins. In a closed loop each connection sends the next \
            one when its answer is there; with --rate they are due at fixed times, and latency counts \
            from when a request was due. Every answer is framed, one in --decode-every is decoded and \
            checked whole. `load` may be left out: alula bench credit --entities 100.
            """
    )

    @Argument(help: "The service, such as credit@2; with --stage or --model-version, a model.")
    var target: String?
    @Option(help: ArgumentHelp("Read by model: the version in this stage.", valueName: "stage"))
    var stage: String?
    @Option(help: ArgumentHelp("Read by model: this version.", valueName: "number"))
    var modelVersion: UInt32?
    @Flag(help: "Of reads by model: ask the server to keep what it serves.") var log = false
    @Option(help: ArgumentHelp("Push to this view instead of reading.", valueName: "view"))
    var push: String?
    @Option(
        help: ArgumentHelp(
            "No server: an echo in this process, of frames of these sizes.",
            valueName: "request:response"
        )
    )
    var echo: String?
    @Flag(help: "Measure an echo of the same bytes afterwards.") var floor = false

    @Option(help: "Entities, or rows pushed, in each request.") var entities = 1
    @OptionGroup(title: "Keys") var keys: BenchKeyOptions
    @OptionGroup(title: "Load") var load: BenchPaceOptions
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard [target, push, echo].compactMap(\.self).count == 1 else {
            throw ValidationError("name one: a service, --push VIEW or --echo REQUEST:RESPONSE")
        }
        guard !log || stage != nil || modelVersion != nil else {
            throw ValidationError("--log is of a model: name --stage or --model-version")
        }
        guard stage == nil && modelVersion == nil || target != nil else {
            throw ValidationError("--stage and --model-version are for a model that is read")
        }
    }

    func run() async throws {
        if let echo { return try runEcho(echo) }
        try options.checkPlain("alula bench")
        let setup = BenchSetup(
            client: try options.client(),
            catalog: try await options.client().catalog(),
            keys: keys,
            seed: load.seed
        )
        var names = [push.map { "push \($0)" } ?? "read \(target ?? "")"]
        var plans = [load.plan(try await first(setup), address: setup.client.address)]
        if let write = load.write {
            let (view, rate) = try BenchPaceOptions.viewAndRate(write)
            let requests = try setup.pushes(to: view, rows: load.writeBatch)
            names.append("push \(view), beside it")
            plans.append(
                LoadPlan(
                    address: setup.client.address,
                    requests: requests,
                    check: .push(rows: load.writeBatch),
                    pace: .open(perSecond: rate / Double(load.writeBatch)),
                    decodeEvery: 1,
                    seed: load.seed &+ 1
                )
            )
        }
        var results = try Load.run(plans)
        if floor {
            names.append("echo of the same bytes")
            results.append(try echoed(results[0].requestBytes, results[0].bytesPerAnswer))
        }
        BenchText.show(names, results, json: options.json)
    }

    private func first(_ setup: BenchSetup) async throws -> (RequestFrames, AnswerCheck) {
        if let push {
            return (try setup.pushes(to: push, rows: entities), .push(rows: entities))
        }
        let reads = try await setup.reads(
            target ?? "",
            stage: stage,
            version: modelVersion,
            log: log,
            entities: entities
        )
        let plan = try reads.firstAnswer(from: setup.client.address)
        return (try reads.make(knownPlan: plan.id), .read(plan, entities: entities))
    }

    private func runEcho(_ sizes: String) throws {
        let parts = sizes.split(separator: ":").compactMap { Int($0) }
        guard parts.count == 2 else {
            throw AlulaError.invalid(
                "--echo \(sizes): expected two sizes in bytes, such as 900:40000"
            )
        }
        let result = try echoed(parts[0], parts[1])
        BenchText.show(["echo"], [result], json: options.json)
    }

    private func echoed(_ request: Int, _ response: Int) throws -> LoadResult {
        let server = try EchoServer(requestBytes: request, responseBytes: response)
        defer { server.stop() }
        return try Load.run(
            load.plan((RequestFrames(bytes: request), .none), address: server.address)
        )
    }
}
