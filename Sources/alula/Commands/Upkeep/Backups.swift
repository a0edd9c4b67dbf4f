import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Back up all that the server has, at one position, while it goes on serving.",
        discussion: """
            The backup lies in the directory that the server was given with serve --backups. What earlier \
            backups there have of it is not copied again; every byte is read again before the backup counts. \
            Writes wait for a moment; reads never do. The bytes of forgotten keys stay in backups that were \
            made before, and go with them: remove DIR/NAME, and the next backup frees what nobody needs.
            """
    )

    @Argument(help: "Its name; none: named for its time.") var name = ""
    @Option(
        help: ArgumentHelp("At most so many bytes a second, such as 50MiB.", valueName: "bytes")
    )
    var rate: ByteRate?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let progress = Progress(json: options.json)
        let backup = try await options.client().backup(
            name: name,
            bytesPerSecond: rate?.bytes ?? 0
        ) { step in
            BackupText.show(step.step, done: step.done, total: step.total, on: progress)
        }
        progress.finish()
        guard !options.json else { return Output.json(BackupText.json(backup)) }
        Output.line(
            "backup \(backup.name): \(counted(backup.files, "file")), \(byteText(backup.bytes)), of which "
                + "\(byteText(backup.newBytes)) new; log entry \(backup.logEntry); writes waited for "
                + "\(backup.pausedUs / 1_000) ms"
        )
        Output.line("audit head \(backup.auditHead)")
    }
}

struct Backups: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the backups that the server keeps, the oldest first.",
        discussion: """
            alula restore DIR/NAME --check reads every byte of one. The audit head goes with alula audit \
            verify --head.
            """
    )

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let answer = try await options.client().backups()
        guard !options.json else {
            return Output.json(
                .object([
                    ("directory", .string(answer.directory)),
                    ("backups", .array(answer.backups.map(BackupText.json))),
                ])
            )
        }
        var table = TextTable([
            ("name", .left), ("taken", .left), ("log entry", .right), ("size", .right),
            ("new", .right), ("audit head", .left),
        ])
        for backup in answer.backups {
            guard backup.problem.isEmpty else {
                table.add([backup.name, "damaged: \(backup.problem)", "", "", "", ""])
                continue
            }
            table.add([
                backup.name, Timestamp.text(backup.takenUs), String(backup.logEntry),
                byteText(backup.bytes), byteText(backup.newBytes), backup.auditHead,
            ])
        }
        Output.table(table)
        Output.line("in \(answer.directory)")
    }
}

/// `50MiB`: bytes a second.
struct ByteRate: ExpressibleByArgument {
    var bytes: UInt64

    init?(argument: String) {
        guard let bytes = byteCount(argument), bytes > 0 else { return nil }
        self.bytes = UInt64(bytes)
    }

    static var allValueStrings: [String] { ["more than 0, as 50MiB"] }
}

/// Backups, for people and for machines.
enum BackupText {
    static func show(_ step: String, done: UInt64, total: UInt64, on progress: Progress) {
        let (phase, unit): (String, Progress.Unit?) =
            switch step {
            case "waiting": ("waiting for an erasure to end", nil)
            case "freezing": ("opening one position", nil)
            case "databases": ("copying the databases", .bytes)
            case "copying": ("copying", .bytes)
            case "checking": ("checking", .bytes)
            case "restoring": ("restoring", .bytes)
            case "deletions": ("looking for forgotten keys", nil)
            default: (step, nil)
            }
        progress.show(
            phase,
            done: done,
            total: total,
            note: unit == nil ? "" : byteText(done),
            counting: unit
        )
    }

    static func json(_ backup: WireBackup) -> JSONValue {
        guard backup.problem.isEmpty else {
            return .object([
                ("name", .string(backup.name)), ("problem", .string(backup.problem)),
            ])
        }
        return .object([
            ("name", .string(backup.name)), ("taken", .time(backup.takenUs)),
            ("log_entry", .uint(backup.logEntry)), ("applied_entry", .uint(backup.appliedEntry)),
            ("audit_head", .string(backup.auditHead)), ("bytes", .uint(backup.bytes)),
            ("new_bytes", .uint(backup.newBytes)), ("files", .uint(backup.files)),
            ("paused_us", .uint(UInt64(max(0, backup.pausedUs)))),
            ("deletions", .uint(backup.deletions)), ("version", .string(backup.version)),
            ("data_format", .uint(UInt64(backup.dataFormat))),
            ("audit_key_inside", .bool(backup.auditKeyInside)),
        ])
    }
}
