import ArgumentParser
import Client
import Domain
import FoundationEssentials
import Tabular
import Wire

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load a view's history from a CSV or NDJSON file.",
        discussion: """
            No row is seen before all are in. An import that was interrupted goes on where it stopped when \
            it is run again; one that is already there is not repeated.
            """
    )

    @Argument(help: "The view.") var view: String
    @Argument(help: "The file.") var file: String

    @Option(help: "csv or ndjson; else what the file's name says.") var format: TabularFormat?
    @Option(help: "What a bad row does: stop, or skip it and report it.") var onError = BadRowPolicy
        .stop
    @Option(help: TimeUnit.help) var timeUnit: TimeUnit?
    @Flag(help: "Import even if it is already there.") var again = false
    @Flag(help: "Keep rows that lie ahead of now, in history.") var allowFuture = false
    @Flag(inversion: .prefixedNo, help: "Bring the newest rows to the online store.")
    var materialize = true
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let format = try format ?? TabularFormat(fileName: file)
        let definition = try await client.catalog().view(view)
        let progress = Progress(json: options.json)
        let source = try SourceFile(file) { bytes in
            progress.show(
                "reading",
                done: bytes,
                total: SourceFile.size(file),
                note: byteText(bytes),
                counting: .bytes
            )
        }
        let importer = Importer(
            client: client,
            view: definition,
            source: source,
            format: format,
            policy: onError,
            timeUnit: timeUnit,
            again: again,
            allowFuture: allowFuture,
            progress: progress
        )
        let outcome = try await importer.run()
        if materialize {
            _ = try await Materializing.run([view], client: client, progress: progress)
        }
        progress.finish()
        show(outcome)
    }

    private func show(_ outcome: Importer.Outcome) {
        guard !options.json else {
            return Output.json(
                .object([
                    ("import", .string(outcome.id)), ("rows", .uint(outcome.rows)),
                    ("log_entry", .uint(outcome.logEntry)),
                    ("already_there", .bool(outcome.wasThere)),
                    ("resumed_after", .uint(outcome.resumedRows)),
                    ("skipped", .uint(UInt64(outcome.badRows.count))),
                    ("problems", .strings(outcome.badRows.messages)),
                    ("materialized", .bool(materialize)),
                ])
            )
        }
        if outcome.wasThere {
            Output.line(
                "\(outcome.id): already there, \(counted(outcome.rows, "row")); "
                    + "--again imports the file once more"
            )
            return
        }
        Output.line(
            "\(outcome.id): \(counted(outcome.rows, "row")) in \(view), visible from log entry "
                + "\(outcome.logEntry)"
                + (outcome.resumedRows == 0
                    ? "" : "; resumed behind \(counted(outcome.resumedRows, "row"))")
        )
        guard outcome.badRows.count > 0 else { return }
        Output.line("\(counted(outcome.badRows.count, "row")) left out:")
        for message in outcome.badRows.messages.prefix(20) { Output.line("  \(message)") }
        if outcome.badRows.count > 20 { Output.line("  and \(outcome.badRows.count - 20) more") }
    }
}

extension TabularFormat: ExpressibleByArgument {}
extension BadRowPolicy: ExpressibleByArgument {}

extension TimeUnit: ExpressibleByArgument {
    static let help = ArgumentHelp(
        """
        What bare numbers count where times are expected: s, ms, us or ns since 1970; else they are \
        refused. Exports write times beyond the year 9999 as numbers, in us.
        """,
        valueName: "unit"
    )
}

extension IntegerTimes {
    /// Of a command with the option --time-unit.
    ///
    /// Without it no number is taken: nanoseconds of today would be microseconds of a far year.
    static func option(_ unit: TimeUnit?) -> IntegerTimes {
        unit.map { .counted($0) } ?? .refused(hint: "--time-unit tells what it counts")
    }
}

/// One file on its way into a view's history.
struct Importer {
    struct Outcome {
        var id: String
        var rows: UInt64
        var logEntry: UInt64
        var wasThere: Bool
        /// Rows that an earlier, interrupted run had staged.
        var resumedRows: UInt64 = 0
        var badRows: BadRows
    }

    let client: AlulaClient
    let view: WireViewDefinition
    let source: SourceFile
    let format: TabularFormat
    let policy: BadRowPolicy
    let timeUnit: TimeUnit?
    let again: Bool
    let allowFuture: Bool
    let progress: Progress

    /// Begins or resumes, stages and publishes; goes on where a lost connection stopped it.
    func run() async throws -> Outcome {
        var request = WireBeginImportRequest()
        request.view = view.name
        request.sourceName = source.name
        request.sourceDigest = Data(source.digest.bytes)
        request.options = "format=\(format.rawValue);on_error=\(policy.rawValue)"
        if let timeUnit { request.options += ";time_unit=\(timeUnit.rawValue)" }
        request.again = again
        request.allowFuture = allowFuture
        // A header that does not match begins nothing.
        _ = try rows(latest: nil)
        var attempts = 0
        var resumedRows: UInt64?
        var badRows = BadRows()
        while true {
            let begun = try await client.beginImport(request)
            // From here on it is this import that goes on, not one more.
            request.again = false
            resumedRows = resumedRows ?? begun.stagedRows
            if begun.state == "published" {
                let record = try await client.imports().first { $0.importID == begun.importID }
                return Outcome(
                    id: begun.importID,
                    rows: record?.rows ?? begun.stagedRows,
                    logEntry: record?.logEntry ?? 0,
                    wasThere: attempts == 0,
                    badRows: badRows
                )
            }
            do {
                badRows = try await stage(begun)
                let published = try await client.publishImport(begun.importID)
                return Outcome(
                    id: begun.importID,
                    rows: published.rows,
                    logEntry: published.logEntry,
                    wasThere: false,
                    resumedRows: resumedRows ?? 0,
                    badRows: badRows
                )
            } catch let error as AlulaError where error.code == .unavailable && attempts < 5 {
                attempts += 1
                try await Task.sleep(for: .milliseconds(200 << attempts))
            }
        }
    }

    private func rows(latest: Timestamp?) throws(AlulaError) -> Rows {
        Rows(
            try TabularReader(
                try .file(source.path),
                format: format,
                columns: try view.importColumns(
                    latest: latest,
                    integerTimes: .option(timeUnit)
                ),
                ignored: RowColumn.told,
                policy: policy,
                help: "mend the row, or leave bad rows out: --on-error skip"
            )
        )
    }

    private func stage(_ begun: WireBeginImportResponse) async throws -> BadRows {
        // Left out rows are the same ones when it is resumed, or chunks would be cut in another way.
        let clock =
            policy == .skip ? Timestamp(microseconds: begun.begunUs) : Timestamp.now
        let latest = allowFuture ? nil : clock + Limits.maxSkew
        let rows = try rows(latest: latest)
        do {
            return try await send(rows, begun)
        } catch let error as AlulaError
            where error.code == .invalidArgument && !rows.areSent && begun.stagedRows == 0
        {
            // A file that is bad in its first rows leaves no import behind that stages nothing.
            _ = try? await client.abandonImport(begun.importID)  // what is wrong is told
            throw error
        }
    }

    private func send(_ rows: Rows, _ begun: WireBeginImportResponse) async throws -> BadRows {
        let staged = try await client.stageRows(
            importID: begun.importID,
            schema: rows.reader.schema,
            onProgress: { _ in },
            upload: { upload in
                var chunk: UInt64 = 0
                while let next = try rows.reader.next() {
                    defer { chunk += 1 }
                    progress.show(
                        "importing",
                        done: rows.reader.bytesRead,
                        total: source.bytes,
                        note: counted(rows.reader.rowsRead, "row"),
                        counting: .bytes
                    )
                    guard chunk >= begun.nextChunk else { continue }
                    rows.areSent = true
                    guard try await upload.send(next.batch, chunk: chunk, firstRow: next.firstRow)
                    else { return }
                }
            }
        )
        guard staged.stagedRows > 0 else {
            throw AlulaError.invalid(
                "\(source.path) has no rows to import",
                help: "",
                details: rows.reader.badRows.messages
            )
        }
        return rows.reader.badRows
    }

    /// The reader, where closures share it.
    private final class Rows {
        var reader: TabularReader
        var areSent = false

        init(_ reader: TabularReader) { self.reader = reader }
    }
}
