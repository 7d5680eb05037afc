// swift-tools-version: 6.2
import PackageDescription

// The house, top to bottom; arrows only go down (docs/architecture.md). An import that is not an
// arrow here does not build: `make check` passes --explicit-target-dependency-import-check error.
let package = Package(
    name: "headway",
    products: [
        .library(name: "Headway", targets: ["Headway"]),
        .executable(name: "headway", targets: ["HeadwayCLI"]),
    ],
    targets: [
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLibevent", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CGlibc"),
        .target(name: "CDashboard"),

        .target(name: "EventLoop", dependencies: ["CLibevent"]),
        .target(name: "HeadwayCore"),
        .target(name: "Redis", dependencies: ["CHiredis", "CLibevent", "EventLoop"]),
        .target(name: "HeadwayWire", dependencies: ["HeadwayCore"]),
        .target(name: "HTTPServer", dependencies: ["CLibevent", "CZlib", "EventLoop"]),
        .target(name: "HTTPClient", dependencies: ["CCurl", "CLibevent", "EventLoop"]),

        .target(name: "Headway", dependencies: ["EventLoop", "HeadwayCore", "HeadwayWire", "Redis"]),
        .target(
            name: "Aggregator",
            dependencies: ["EventLoop", "HTTPClient", "HeadwayCore", "HeadwayWire", "Redis"]),
        .target(name: "Dashboard", dependencies: ["CDashboard"], exclude: ["Assets"]),
        .target(
            name: "ReadAPI",
            dependencies: ["Dashboard", "EventLoop", "HTTPServer", "HeadwayCore", "HeadwayWire", "Redis"]),
        .executableTarget(
            name: "HeadwayCLI",
            dependencies: [
                "Aggregator", "CGlibc", "EventLoop", "HTTPServer", "Headway", "HeadwayCore", "HeadwayWire",
                "ReadAPI", "Redis",
            ],
            resources: [.embedInCode("Pipelines/book.json")]),

        .target(name: "TestSupport", dependencies: ["EventLoop", "Redis"], path: "Tests/Support"),
        .target(name: "Seeded", path: "Tests/Seeded"),
        .executableTarget(
            name: "FaultPublisher", dependencies: ["Headway"], path: "Tests/Faults/Publisher"),
        .executableTarget(name: "SpoolWorker", dependencies: ["Headway"], path: "Tests/SpoolWorker"),
        .executableTarget(
            name: "Simulation",
            dependencies: [
                "Aggregator", "EventLoop", "Headway", "HeadwayCore", "HeadwayWire", "ReadAPI", "Redis",
                "Seeded",
            ],
            path: "Tests/Simulation", exclude: ["controls.txt"]),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["EventLoop", "HeadwayWire", "Redis", "Simulation", "TestSupport"]),
        .testTarget(name: "EventLoopTests", dependencies: ["Seeded", "EventLoop"]),
        .testTarget(name: "RedisTests", dependencies: ["Seeded", "EventLoop", "Redis", "TestSupport"]),
        .testTarget(name: "HeadwayCoreTests", dependencies: ["Seeded", "HeadwayCore"]),
        .testTarget(name: "HeadwayWireTests", dependencies: ["Seeded", "HeadwayCore", "HeadwayWire"]),
        .testTarget(
            name: "HTTPServerTests", dependencies: ["Seeded", "EventLoop", "HTTPServer", "TestSupport"]),
        .testTarget(
            name: "HTTPClientTests",
            dependencies: ["EventLoop", "HTTPClient", "HTTPServer", "TestSupport"]),
        .testTarget(
            name: "HeadwayTests",
            dependencies: [
                "Seeded", "EventLoop", "Headway", "HeadwayCore", "HeadwayWire", "Redis", "TestSupport",
            ]),
        .testTarget(
            name: "AggregatorTests",
            dependencies: [
                "Seeded", "Aggregator", "EventLoop", "HeadwayCore", "HeadwayWire", "Redis", "TestSupport",
            ]),
        .testTarget(
            name: "ReadAPITests",
            dependencies: [
                "Dashboard", "EventLoop", "HTTPServer", "HeadwayCore", "HeadwayWire", "ReadAPI", "Redis",
                "Seeded", "TestSupport",
            ]),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "Seeded",
                "Aggregator", "EventLoop", "Headway", "HeadwayCLI", "HeadwayCore", "HeadwayWire", "ReadAPI",
                "Redis", "SpoolWorker", "TestSupport",
            ],
            exclude: ["Fixtures"]),
        .executableTarget(name: "ContractWorker", dependencies: ["Headway"], path: "Tests/ContractWorker"),
        .testTarget(
            name: "ContractTests",
            dependencies: [
                "ContractWorker", "EventLoop", "Headway", "HeadwayCLI", "HeadwayCore", "HeadwayWire",
                "ReadAPI",
                "TestSupport",
            ],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "DeployTests", dependencies: ["EventLoop", "HeadwayCLI", "TestSupport"],
            exclude: ["Fixtures"]),
    ]
)

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]
for target in package.targets where target.type != .system {
    target.swiftSettings = house
}
// Protections that the fault suite takes out one by one, to see that it notices (Tests/Faults). Not in a release.
for target in package.targets where ["Aggregator", "Headway", "ReadAPI"].contains(target.name) {
    target.swiftSettings?.append(.define("FAULT_INJECTION", .when(configuration: .debug)))
}
