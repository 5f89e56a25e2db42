// swift-tools-version: 6.2
import PackageDescription

/// Benchmarks are a package of their own, so that nobody who builds the tool builds them.
let package = Package(
  name: "redis-backup-benchmarks",
  targets: [.executableTarget(name: "make-mix")],
  swiftLanguageModes: [.v6]
)
