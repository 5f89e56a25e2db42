import Foundation
import TestSupport
import Testing

/// What the pages show is what the program prints, on real servers; `RECORD=1 make readme` writes them anew.
@Suite struct DocumentationTests {
  private func run(_ script: String, _ arguments: String...) throws {
    let path = PackageRoot.url.appendingPathComponent("scripts/\(script)").path
    let environment = ["REDIS_BACKUP": PackageRoot.redisBackup, "RECORD": "0"]
    let result = try Shell.run(path, arguments, environment: environment, limit: 300)
    #expect(result.status == 0, "\(result.text.suffix(4000))\(result.errorText.suffix(2000))")
    #expect(result.text.contains("\(script): "))
  }

  @Test func theReadmeShowsWhatIsPrinted() throws { try run("check-readme") }
  @Test func theWalkThroughShowsWhatIsPrinted() throws { try run("check-walkthrough") }
  @Test func theFirstTenMinutesShowWhatIsPrinted() throws { try run("check-first-ten-minutes") }
  @Test func theReadmeShowsTheNewestBenchmark() throws { try run("readme-bench", "--check") }
  @Test func snippetsAreThoseOfTheExamples() throws { try run("check-snippets") }
}
