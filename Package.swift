// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled alike: Swift 6, explicit existentials, imports that say what they use, no warnings.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// Tests are built fast rather than made fast: file by file, without optimisation.
let testSettings = swiftSettings + [.unsafeFlags(["-Onone", "-no-whole-module-optimization"])]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.target(name: name), "TestKit"] + dependencies,
        exclude: exclude,
        swiftSettings: testSettings
    )
}

let package = Package(
    name: "holdfast",
    products: [.executable(name: "holdfast", targets: ["holdfast"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "holdfast",
            dependencies: [
                "Dashboard", "Recovery", "Monitoring", "Alerting", "RestorePoints", "Databases", "Docker", "HTTPClient",
                "Archives", "OpenPGP", "PromQL", "TimeSeries", "Exposition", "Settings", "Schedules", "Machine",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),
        room(
            "Recovery",
            ["RestorePoints", "Archives", "OpenPGP", "Databases", "Docker", "Settings", "Schedules", "Machine"]),
        room(
            "Dashboard",
            [
                "Monitoring", "PromQL", "TimeSeries", "Exposition", "CZlib", "Machine",
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        room(
            "Monitoring",
            ["Exposition", "TimeSeries", "PromQL", "Docker", "HTTPClient", "Settings", "Machine"]),
        room("Alerting", ["HTTPClient", "Settings", "Machine"]),
        room("RestorePoints", ["Archives", "Databases", "OpenPGP", "Machine"]),
        room("TimeSeries", ["CSQLite3", "Machine"]),
        room("Exposition", ["Machine"]),
        room("Databases", ["Docker", "CSQLite3", "Machine"]),
        room("Docker", ["HTTPClient", "Machine"]),
        room("HTTPClient", ["CCurl", "Machine"]),
        room("PromQL", ["TimeSeries", "CRE2", "Machine"]),
        room("Archives", ["CArchive", "CZstd", "CZlib", "CLinux", "Machine"]),
        room("OpenPGP", ["Machine"]),
        room("Settings", ["Schedules", "Machine", "Yams"]),
        room("Schedules", ["Machine"]),
        room(
            "Machine",
            [
                "CCrypto", "CLinux",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSQLite3", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .target(
            name: "TestKit", dependencies: ["CLinux", "Machine", "OpenPGP", "Docker", "HTTPClient"],
            path: "Tests/TestKit",
            swiftSettings: swiftSettings),
        .target(
            name: "Simulator",
            dependencies: [
                "Recovery", "RestorePoints", "Archives", "OpenPGP", "Docker", "HTTPClient", "Settings", "Machine",
                "TestKit", "CCrypto",
            ],
            path: "Tests/Simulator",
            swiftSettings: swiftSettings),
        // Writes series until a test kills it.
        .executableTarget(
            name: "SeriesWriter", dependencies: ["TimeSeries"], path: "Tests/SeriesWriter",
            swiftSettings: swiftSettings),
        tests(of: "Machine"),
        tests(of: "TimeSeries", ["Machine"]),
        tests(
            of: "Monitoring",
            ["Exposition", "TimeSeries", "PromQL", "Docker", "HTTPClient", "Settings", "Machine"],
            exclude: ["Rules/rule-files.txt", "Rules/unit"]),
        tests(of: "Dashboard", ["Monitoring", "PromQL", "TimeSeries", "HTTPClient", "Machine"]),
        tests(of: "Exposition", ["HTTPClient", "Machine"]),
        tests(of: "Alerting", ["HTTPClient", "Settings", "Machine"]),
        tests(of: "Archives", ["OpenPGP", "Machine"]),
        tests(of: "OpenPGP", ["Machine"]),
        tests(of: "Docker", ["HTTPClient", "Machine"]),
        tests(of: "Databases", ["Docker", "Machine"]),
        tests(of: "PromQL", ["TimeSeries", "Machine"], exclude: ["scripts", "conformance.txt"]),
        tests(of: "Settings", ["Schedules", "Machine"]),
        tests(of: "Schedules", ["Machine"]),
        tests(of: "RestorePoints", ["Archives", "OpenPGP", "Machine"], exclude: ["Retention/Golden"]),
        tests(
            of: "Recovery", ["RestorePoints", "Archives", "OpenPGP", "Docker", "Settings", "Schedules", "Machine"]),
        .testTarget(
            name: "TortureTests",
            dependencies: [
                "Recovery", "RestorePoints", "Archives", "OpenPGP", "Docker", "Settings", "Schedules", "TimeSeries",
                "SeriesWriter", "Machine", "TestKit", "Simulator",
            ],
            swiftSettings: testSettings),
        .testTarget(name: "ArchitectureTests", swiftSettings: testSettings),
        .testTarget(
            name: "CommandTests", dependencies: ["Alerting", "HTTPClient", "Machine", "TestKit"],
            swiftSettings: testSettings),
    ]
)

// With flags of its own, and only by Tests/Fuzz/run.sh: no other build knows of it.
if Context.environment["HOLDFAST_FUZZ_BUILD"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Recovery", "RestorePoints", "Archives", "Databases", "OpenPGP", "Docker", "Settings", "Schedules",
                "Machine",
            ],
            path: "Tests/Fuzz", exclude: ["run.sh", "corpus"], swiftSettings: swiftSettings))
}
