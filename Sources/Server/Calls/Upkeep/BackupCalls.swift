import Backup
import Domain
import Registry
import SwiftProtobuf
import Wire

extension Dispatcher {
    /// Makes a backup of all projects; where the client goes, it is given up.
    func backup(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireBackupRequest.self, from: call.control)
        let head = try CallHead(request.head)
        if let first = try services.registry.storedAnswer(head.requestID, act: "backup") {
            return Answer(stored: first)
        }
        let name = request.name.isEmpty ? nil : try BackupName(request.name)
        let items = ProgressItems(call)
        let pace = Pace(
            bytesPerSecond: request.bytesPerSecond == 0 ? nil : request.bytesPerSecond,
            isCancelled: { items.isCancelled },
            progress: { items.send(WireBackupProgress($0, done: $1, total: $2)) }
        )
        let manifest = try services.backups.make(name, request: head.requestID, pace: pace)
        let answer = try services.registry.record(
            .backup(manifest.name, logEntry: manifest.logEntry, newBytes: manifest.newBytes),
            call: try writeCall(call, head, projectOptional: true),
            answer: try WireBackup(manifest).serializedBytes()
        )
        return Answer(stored: answer)
    }

    func listBackups(_ call: Call) throws -> Answer {
        guard let target = services.backups.target else {
            throw AlulaError.refused(
                "this server keeps no backups",
                help: "start it with serve --backups DIR"
            )
        }
        var answer = WireBackups()
        answer.directory = target.path
        answer.backups = try target.list().map { entry in
            switch entry.manifest {
            case .success(let manifest): return WireBackup(manifest)
            case .failure(let error):
                var damaged = WireBackup()
                damaged.name = entry.name
                damaged.problem = error.message
                return damaged
            }
        }
        return try Answer(answer)
    }
}

extension WireBackup {
    init(_ manifest: Manifest) {
        self.init()
        name = manifest.name
        takenUs = manifest.takenMicroseconds
        logEntry = manifest.logEntry
        appliedEntry = manifest.appliedEntry
        auditHead = manifest.auditHead
        bytes = manifest.bytes
        newBytes = manifest.newBytes
        files = UInt64(manifest.files.count)
        pausedUs = manifest.pausedMicroseconds
        deletions = UInt64(manifest.deletions.count)
        version = manifest.product
        dataFormat = UInt32(clamping: manifest.dataFormat)
        auditKeyInside = manifest.auditKey == .inside
    }
}

extension WireBackupProgress {
    fileprivate init(_ step: Pace.Step, done: UInt64, total: UInt64) {
        self.init()
        self.step = step.rawValue
        self.done = done
        self.total = total
    }
}
