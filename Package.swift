// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: every unsafe step is marked, and the language is that of Swift 6.
let settings: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A library of the system, found by pkg-config.
func system(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
}

/// A module of ours; the folder is `Sources/NAME`.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of one module, in `Tests/NAMETests`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: ["TestSupport"] + dependencies, swiftSettings: settings)
}

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

/// Documentation is built by `make docs`, which sets this variable: who uses the package does not fetch the plugin.
let documentation: [Package.Dependency] =
  Context.environment["REDIS_BACKUP_DOCUMENTATION"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

let package = Package(
  name: "redis-backup",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "RedisBackup", targets: ["RedisBackup"]),
    .library(name: "RedisBackupJob", targets: ["BackupJob"]),
    .executable(name: "redis-backup", targets: ["redis-backup"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ] + documentation,
  targets: [
    system("CLZF", pkgConfig: "liblzf", apt: "liblzf-dev", brew: "liblzf"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev", brew: "zlib"),
    system("CISAL", pkgConfig: "libisal", apt: "libisal-dev", brew: "isa-l"),
    system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev", brew: "openssl@3"),
    system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev", brew: "zstd"),
    .target(name: "CShims", dependencies: ["COpenSSL"]),
    module("Bytes", ["CLZF", "CZlib", "CZstd", "CISAL", "COpenSSL", "CShims"]),
    module("RDB", ["Bytes"]),
    module("AOF", ["Bytes", "RDB"]),
    module("Keyspace", ["Bytes", "RDB", "AOF"]),
    module("Operations", ["Bytes", "RDB", "AOF", "Keyspace"]),
    module("RedisBackup", ["Bytes", "RDB", "AOF", "Keyspace", "Operations"]),
    module(
      "BackupJob",
      [
        "Bytes", "RDB", "AOF", "Keyspace", "Operations", "COpenSSL", "CShims", "CZlib", "CZstd",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Yams", package: "Yams"),
      ]),
    .executableTarget(
      name: "redis-backup",
      dependencies: [
        "Bytes", "RDB", "AOF", "Keyspace", "Operations", "BackupJob", "CShims", argumentParser,
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    // What users of the library may write, compiled as they would.
    .target(
      name: "Examples",
      dependencies: ["RedisBackup", "BackupJob", .product(name: "Logging", package: "swift-log")],
      path: "Examples",
      swiftSettings: [.strictMemorySafety()]),
    .target(name: "CAllocations", path: "Tests/CAllocations"),
    .target(
      name: "TestSupport", dependencies: ["Bytes", "CAllocations"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "TestSupportTests", dependencies: ["TestSupport", "redis-backup"],
      swiftSettings: settings),
    tests("Bytes", ["Bytes", "CLZF", "CZlib", "CZstd"]),
    tests("RDB", ["Bytes", "RDB"]),
    tests("AOF", ["Bytes", "RDB", "AOF"]),
    tests("Keyspace", ["Bytes", "RDB", "AOF", "Keyspace"]),
    tests("Operations", ["Bytes", "RDB", "AOF", "Keyspace", "Operations", "Examples"]),
    tests("BackupJob", ["BackupJob", "Examples"]),
    .testTarget(
      name: "CommandTests", dependencies: ["TestSupport", "redis-backup"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
