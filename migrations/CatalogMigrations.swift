/// The migrations of catalog.sqlite, in their order.
///
/// One that was shipped never changes.
package enum CatalogMigrations {
    package static let all: [(name: String, sql: String)] = [
        ("0001 definitions", text(PackageResources.catalog_0001_definitions_sql)),
        ("0002 registry", text(PackageResources.catalog_0002_registry_sql)),
        ("0003 acts", text(PackageResources.catalog_0003_acts_sql)),
        ("0004 releases", text(PackageResources.catalog_0004_releases_sql)),
        ("0007 trust", text(PackageResources.catalog_0007_trust_sql)),
        ("0010 lineage", text(PackageResources.catalog_0010_lineage_sql)),
        ("0012 runs", text(PackageResources.catalog_0012_runs_sql)),
        ("0016 profiles", text(PackageResources.catalog_0016_profiles_sql)),
        ("0018 events", text(PackageResources.catalog_0018_events_sql)),
        ("0018 monitors", text(PackageResources.catalog_0018_monitors_sql)),
        ("0022 rollouts", text(PackageResources.catalog_0022_rollouts_sql)),
        ("0026 deletions", text(PackageResources.catalog_0026_deletions_sql)),
        ("0024 freshness", text(PackageResources.catalog_0024_freshness_sql)),
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
