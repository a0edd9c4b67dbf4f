import ArgumentParser
import Bench
import Domain
import FoundationEssentials
import Glibc
import Tabular

struct BenchLimits: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Measure what bounds an online read: memory, a hash look-up, RocksDB, loopback."
    )

    @Option(help: "Rows of the hash table and of RocksDB.") var rows = 200_000
    @Option(help: "Bytes of a row.") var rowBytes = 400
    @Option(help: ArgumentHelp("Where RocksDB's files go meanwhile.", valueName: "dir"))
    var directory = "/tmp"
    @Flag(help: "Print JSON for machines.") var json = false

    func validate() throws {
        guard (1_000...50_000_000).contains(rows), (16...65_536).contains(rowBytes) else {
            throw ValidationError(
                "--rows are 1,000 to 50,000,000, --row-bytes 16 to 65,536"
            )
        }
    }

    func run() async throws {
        let path = "\(directory)/alula-limits-\(UUID().uuidString)"
        guard unsafe mkdir(path, 0o700) == 0 else {
            throw AlulaError.invalid("no directory can be made in \(directory)")
        }
        defer { try? FileManager.default.removeItem(atPath: path) }  // it is temporary anyway
        let limits = try HostLimits(directory: path, rows: rows, rowBytes: rowBytes)
        guard !json else {
            return Output.json(
                .array(
                    limits.lines.map { line in
                        .object([
                            ("name", .string(line.name)), ("value", .number(line.value)),
                            ("unit", .string(line.unit)), ("note", .string(line.note)),
                        ])
                    }
                )
            )
        }
        var table = TextTable([("limit", .left), ("", .right), ("", .left), ("of", .left)])
        for line in limits.lines {
            table.add([line.name, BenchText.number(line.value), line.unit, line.note])
        }
        Output.table(table)
    }
}
