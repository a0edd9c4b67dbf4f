// swift-tools-version: 6.2
import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let safe = house + [.strictMemorySafety()]

/// An area of the system and its tests, which mirror it.
func area(_ name: String, uses: [Target.Dependency], settings: [SwiftSetting] = safe) -> [Target] {
    [
        .target(name: name, dependencies: uses, swiftSettings: settings),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.byName(name: name), "TestSupport"] + uses,
            swiftSettings: house
        ),
    ]
}

// The event loops, sockets and buffers of the server and the client.
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let sockets: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
// TLS 1.3 for both.
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let tlsEvents: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
// SQLite with one writer, pooled readers and migrations.
let sql: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
// Control messages, so that clients in other languages can be generated.
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
// Definitions files, with line numbers for errors.
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")
// The HTTP port: health now, metrics and other people's clients later.
let http: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
// Start and graceful stop on signals.
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle",
    package: "swift-service-lifecycle"
)
let signals: Target.Dependency = .product(
    name: "UnixSignals",
    package: "swift-service-lifecycle"
)
// Diagnostics.
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
// Latencies, each within a thousandth, from nanoseconds to minutes.
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
// The command line.
let arguments: Target.Dependency = .product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)

// The fuzzer's program, built by Tests/fuzz/run only: libFuzzer brings its own main.
let fuzzer: [Target] =
    Context.environment["ALULA_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "Fuzz",
            dependencies: ["FuzzTargets"],
            path: "Tests/FuzzProgram",
            swiftSettings: safe + [.unsafeFlags(["-parse-as-library"])]
        )
    ]

let package = Package(
    name: "alula",
    products: [
        .executable(name: "alula", targets: ["alula"]),
        .library(name: "AlulaClient", targets: ["Client"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CRocksDB",
            pkgConfig: "rocksdb",
            providers: [.apt(["librocksdb-dev"])]
        ),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(name: "CDisk"),
        .target(
            name: "Migrations",
            path: "migrations",
            resources: [.embedInCode("catalog"), .embedInCode("offline")],
            swiftSettings: house
        ),
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .target(
            name: "TestSupport",
            dependencies: ["CAllocations", "Domain", "Codec", "Online", "Search"],
            path: "Tests/TestSupport",
            swiftSettings: house
        ),
        .executableTarget(
            name: "alula",
            dependencies: [
                "Domain", "Digest", "Tabular", "Search", "Statistics", "Wire", "Server", "Client",
                "Bench", "Follow",
                arguments, signals,
            ],
            swiftSettings: safe,
            // Addresses to be set at start take a hundredth of the room, in the file and in memory.
            linkerSettings: [
                .unsafeFlags(
                    ["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"],
                    .when(configuration: .release)
                )
            ]
        ),
    ]
        // Level 0
        + area("Domain", uses: [])
        // Level 1
        + area("RocksDB", uses: ["CRocksDB", "Domain"], settings: house)
        + area("Digest", uses: ["COpenSSL", "Domain"], settings: house)
        + area("Disk", uses: ["CDisk", "Domain"])
        + area("Codec", uses: ["Domain"], settings: house)
        + area("Tabular", uses: ["Domain"])
        + area("Search", uses: ["Domain"])
        + area("Statistics", uses: ["Domain"], settings: house)
        // Level 2
        + area("Log", uses: ["Domain", "Codec", "RocksDB"])
        + area("Online", uses: ["Domain", "Codec", "RocksDB"])
        + area("Offline", uses: ["Domain", "Codec", "Migrations", sql])
        + area("Catalog", uses: ["Domain", "Migrations", sql, yaml])
        + area("Registry", uses: ["Domain", "Digest", "Search", "Migrations", sql])
        + area("Artifacts", uses: ["Domain", "Digest", "Disk"])
        + area("Follow", uses: ["Domain", "Digest", "Disk"])
        + area("Profiles", uses: ["Domain", "Statistics", "Migrations", sql])
        + area("Wire", uses: ["Domain", "Codec", nio, protobuf], settings: house)
        // Level 3
        + area(
            "Ingest",
            uses: ["Domain", "Digest", "Codec", "RocksDB", "Log", "Online", "Offline"]
        )
        + area(
            "Training",
            uses: ["Domain", "Codec", "Digest", "Statistics", "Offline", "Artifacts"]
        )
        + area("Served", uses: ["Domain", "Codec", "Offline", "Profiles", sql])
        + area("Releases", uses: ["Domain", "Catalog", "Registry", sql])
        + area("Backup", uses: ["Domain", "Digest", "Disk", sql])
        + area("Trust", uses: ["Domain", "Digest", "Registry", "Migrations", sql])
        + area("Client", uses: ["Domain", "Wire", "Codec", nio, sockets, tls, protobuf])
        // Level 4
        + area(
            "Server",
            uses: [
                "Domain", "Codec", "Digest", "Disk", "RocksDB", "Wire", "Catalog", "Registry",
                "Artifacts",
                "Log", "Search", "Statistics", "Profiles",
                "Online", "Offline", "Ingest", "Training", "Served", "Releases", "Trust", "Backup",
                nio,
                sockets, tls,
                tlsEvents, http, lifecycle, signals, logging, protobuf,
            ]
        )
        + area(
            "Bench",
            uses: ["CEpoll", "Domain", "Codec", "RocksDB", "Wire", "Client", nio, histogram],
            settings: house
        )
        + [
            .testTarget(name: "TidyTests", swiftSettings: house),
            .target(
                name: "FuzzTargets",
                dependencies: [
                    "Domain", "Codec", "Wire", "Tabular", "Search", "Catalog", nio, protobuf,
                ],
                path: "Tests/FuzzTargets",
                swiftSettings: safe
            ),
            .testTarget(
                name: "FuzzTests",
                dependencies: ["FuzzTargets", "TestSupport"],
                swiftSettings: house
            ),
        ]
        + fuzzer
)
