/// The migrations of `offline.sqlite`, in their order.
///
/// One that has shipped never changes.
package enum OfflineMigrations {
    package static let all: [(name: String, sql: String)] = [
        (
            "offline_0001_segments",
            String(decoding: PackageResources.offline_0001_segments_sql, as: UTF8.self)
        )
    ]
}
