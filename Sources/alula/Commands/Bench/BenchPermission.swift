import ArgumentParser
import Domain
import FoundationEssentials
import Glibc
import Server
import Tabular

struct BenchPermission: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "permission",
        abstract:
            "Measure what it costs with every request to find out whether its caller may make it."
    )

    @Flag(help: "Print JSON for machines.") var json = false

    func run() async throws {
        let path = "/tmp/alula-permission-\(UUID().uuidString)"
        guard unsafe mkdir(path, 0o700) == 0 else {
            throw AlulaError.invalid("no directory can be made in /tmp")
        }
        defer { try? FileManager.default.removeItem(atPath: path) }  // it is temporary anyway
        let cost = try PermissionCost(directory: path)
        guard !json else {
            return Output.json(
                .array(
                    cost.lines.map { line in
                        .object([
                            ("scope", .string(line.scope)), ("request", .string(line.request)),
                            ("nanoseconds", .number(line.nanoseconds)),
                        ])
                    }
                )
            )
        }
        var table = TextTable([("token with", .left), ("request", .left), ("ns", .right)])
        for line in cost.lines {
            table.add([line.scope, line.request, BenchText.number(line.nanoseconds)])
        }
        Output.table(table)
    }
}
