// swift-tools-version: 6.2
import PackageDescription

/// Benchmarks are a package of their own, so that nobody who builds the tool builds them.
let package = Package(
  name: "redis-backup-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "redis-backup", path: ".."),
    // Without its traits: its counters of allocations need jemalloc or an interposer; ours are in the tests.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(name: "make-mix"),
    // Small pieces by themselves: `make bench-micro`.
    .executableTarget(
      name: "Micro",
      dependencies: [
        .product(name: "RedisBackup", package: "redis-backup"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Micro",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ],
  swiftLanguageModes: [.v6]
)
