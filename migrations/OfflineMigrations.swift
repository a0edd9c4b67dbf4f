/// The migrations of `offline.sqlite`, in their order.
///
/// One that has shipped never changes.
package enum OfflineMigrations {
    package static let all: [(name: String, sql: String)] = [
        ("offline_0001_segments", text(PackageResources.offline_0001_segments_sql)),
        ("offline_0002_served", text(PackageResources.offline_0002_served_sql)),
        ("offline_0004_profiles", text(PackageResources.offline_0004_profiles_sql)),
        ("offline_0006_refusals", text(PackageResources.offline_0006_refusals_sql)),
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
