import ArgumentParser
import Domain
import Glibc
import Server

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data directory of a backup, without a server.",
        discussion: """
            Every byte is checked on its way, and nothing is overwritten. Keys that were forgotten after the \
            backup was made, by the list that lies with the backups and by later ones, are forgotten again: \
            give a newer list with --deletions. Tokens are as they were then: revoke again what was revoked \
            since.
            """
    )

    @Argument(help: ArgumentHelp("The backup.", valueName: "dir/name")) var backup: String
    @Option(help: ArgumentHelp("The data directory: missing, or empty.", valueName: "dir"))
    var data: String?
    @Flag(help: "Read every byte of the backup, and write nothing.") var check = false
    @Option(
        help: ArgumentHelp(
            "The file of the audit log's key, where it was kept outside the data directory.",
            valueName: "file"
        )
    )
    var auditKey: String?
    @Option(
        help: ArgumentHelp(
            "A list of forgotten keys, as it lies with other backups of the directory.",
            valueName: "file"
        )
    )
    var deletions: String?
    @Option(
        help: ArgumentHelp("At most so many bytes a second, such as 50MiB.", valueName: "bytes")
    )
    var rate: ByteRate?
    @Flag(help: "Answer in JSON.") var json = false

    func validate() throws {
        guard (data == nil) == check else {
            throw ValidationError("give --data DIR, or --check to look at the backup alone")
        }
    }

    func run() throws {
        let progress = Progress(json: json)
        let restore = Server.Restore(
            backup: backup,
            data: data ?? "",
            auditKey: auditKey,
            deletions: deletions,
            bytesPerSecond: rate?.bytes
        )
        let show: Server.Restore.Progress = { step, done, total in
            BackupText.show(step, done: done, total: total, on: progress)
        }
        let result = Result { () throws(AlulaError) in
            try check ? restore.check(progress: show) : restore.run(progress: show)
        }
        progress.finish()
        switch result {
        case .success(let report): say(report)
        case .failure(let error): Output.error(error)
        }
        fflush(nil)
        // As in serve: the stores may still be closing on other threads.
        if case .failure = result { _exit(1) }
        _exit(0)
    }

    private func say(_ report: Server.Restore.Report) {
        guard !json else {
            return Output.json(
                .object([
                    ("name", .string(report.name)), ("taken", .time(report.taken.microseconds)),
                    ("log_entry", .uint(report.logEntry)),
                    ("audit_head", .string(report.auditHead)),
                    ("files", .uint(UInt64(report.files))), ("bytes", .uint(report.bytes)),
                    ("later_deletions", .uint(UInt64(report.laterDeletions))),
                    ("keys_forgotten", .uint(UInt64(report.keysForgotten))),
                    ("data", data.map { .string($0) } ?? .null),
                ])
            )
        }
        let size = "\(counted(report.files, "file")), \(byteText(report.bytes))"
        let position = "log entry \(report.logEntry), audit head \(report.auditHead)"
        guard let data else {
            return Output.line("backup \(report.name) is whole: \(size); \(position)")
        }
        Output.line("restored backup \(report.name) to \(data): \(size); \(position)")
        Output.line(
            "\(counted(report.laterDeletions, "key")) forgotten since the backup: "
                + "\(report.keysForgotten) of them were in it and are forgotten again"
        )
        Output.line("start it with: alula serve --data \(data)")
    }
}
