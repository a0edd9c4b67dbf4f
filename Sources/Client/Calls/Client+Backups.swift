package import Wire

extension AlulaClient {
    /// Makes a backup of all that the server has; an empty name is the time's.
    package func backup(
        name: String = "",
        bytesPerSecond: UInt64 = 0,
        onProgress: @escaping (WireBackupProgress) async throws -> Void
    ) async throws -> WireBackup {
        var request = WireBackupRequest()
        request.name = name
        request.bytesPerSecond = bytesPerSecond
        return try await stream(
            .backup,
            request,
            answer: WireBackup.self
        ) { (progress: WireBackupProgress, _) in
            try await onProgress(progress)
        }.0
    }

    /// The backups that the server keeps, the oldest first.
    package func backups() async throws -> WireBackups {
        try await call(.listBackups, WireHeadOnly(), answer: WireBackups.self).0
    }
}
