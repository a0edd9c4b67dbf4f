import Domain

extension MetricsPage {
    /// Nothing where no backups are kept, and no age where there is none yet.
    mutating func writeBackups() throws(AlulaError) {
        guard let times = try services.backups.times?.all() else { return }
        page.one("alula_backups", .gauge, UInt64(times.count), "Backups that can be read.")
        guard let newest = times.max() else { return }
        page.begin(
            "alula_backup_age_seconds",
            .gauge,
            "Since the newest backup was taken; absent while there is none."
        )
        page.sample(
            "alula_backup_age_seconds",
            seconds: max(0, services.now().microseconds - newest.microseconds)
        )
    }
}
