import Foundation
import TestSupport
import Testing

@testable import BackupJob

@Suite struct RetentionTests {
  /// A reference that shares no code with the rules: it names each backup's periods by text and
  /// walks back from the newest.
  private func reference(_ backups: [RetentionRules.Candidate], _ rules: RetentionRules) -> Set<
    String
  > {
    let sorted = backups.sorted { ($0.time, $0.id) > ($1.time, $1.id) }
    guard let newest = sorted.first, !rules.isEmpty else { return Set(backups.map(\.id)) }
    var kept: Set<String> = []
    if let last = rules.last { for backup in sorted.prefix(last) { kept.insert(backup.id) } }
    func keep(_ limit: Int?, _ format: String) {
      guard let limit else { return }
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: "en_US_POSIX")
      formatter.calendar = Calendar(identifier: .iso8601)
      formatter.timeZone = TimeZone(identifier: rules.timeZone)
      formatter.dateFormat = format
      var periods: [String] = []
      for backup in sorted {
        let period = formatter.string(
          from: Date(timeIntervalSince1970: Double(backup.time.milliseconds) / 1000))
        if !periods.contains(period) {
          periods.append(period)
          if periods.count <= limit { kept.insert(backup.id) }
        }
      }
    }
    keep(rules.hourly, "yyyy-MM-dd HH Z")
    keep(rules.daily, "yyyy-MM-dd")
    keep(rules.weekly, "YYYY-'W'ww")
    keep(rules.monthly, "yyyy-MM")
    keep(rules.yearly, "yyyy")
    if let within = rules.within {
      for backup in sorted
      where newest.time.milliseconds - backup.time.milliseconds <= within.components.seconds * 1000
      {
        kept.insert(backup.id)
      }
    }
    if let verified = sorted.first(where: \.isVerified) { kept.insert(verified.id) }
    return kept
  }

  @Test(arguments: [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Apia",
  ])
  func agreesWithTheReferenceOnRandomCalendars(_ zone: String) {
    var random = SplitMix64(seed: UInt64(zone.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }))
    for _ in 0..<120 {
      // Around leap days and clock changes of 2024, over some hours to some years.
      let start = Int64(1_709_164_800) + Int64.random(in: -40_000_000...40_000_000, using: &random)
      let span = [86_400, 604_800, 8_000_000, 90_000_000].randomElement(using: &random) ?? 86_400
      let backups = (0..<Int.random(in: 1...60, using: &random)).map { index in
        RetentionRules.Candidate(
          id: "b\(index)",
          time: UTCTime(seconds: start + Int64.random(in: 0...Int64(span), using: &random)),
          isVerified: Bool.random(using: &random))
      }
      func number() -> Int? {
        Bool.random(using: &random) ? Int.random(in: 0...12, using: &random) : nil
      }
      let rules = RetentionRules(
        last: number(), hourly: number(), daily: number(), weekly: number(), monthly: number(),
        yearly: number(),
        within: Bool.random(using: &random)
          ? .seconds(Int64.random(in: 0...Int64(span), using: &random)) : nil,
        timeZone: zone)
      let verdicts = rules.decide(backups)
      #expect(verdicts.count == backups.count)
      #expect(Set(verdicts.filter(\.stays).map(\.id)) == reference(backups, rules), "\(rules)")
      #expect(verdicts.allSatisfy { !$0.reasons.isEmpty })
      if backups.contains(where: \.isVerified) {
        #expect(
          verdicts.contains { verdict in
            verdict.stays && backups.contains { $0.id == verdict.id && $0.isVerified }
          })
      }
    }
  }

  private func at(_ text: String) -> RetentionRules.Candidate {
    RetentionRules.Candidate(id: text, time: UTCTime(text) ?? UTCTime(seconds: 0), isVerified: true)
  }

  @Test func leapDayIsADayOfItsOwn() {
    let backups = [
      "2024-02-28T23:00:00Z", "2024-02-29T01:00:00Z", "2024-02-29T23:00:00Z",
      "2024-03-01T01:00:00Z",
    ].map(at)
    let kept = RetentionRules(daily: 3).decide(backups).filter(\.stays).map(\.id)
    #expect(kept == ["2024-03-01T01:00:00Z", "2024-02-29T23:00:00Z", "2024-02-28T23:00:00Z"])
  }

  @Test func theTimeZoneDecidesWhatADayIs() {
    // 23:30 and 00:30 in Berlin are one day in UTC.
    let backups = ["2026-06-01T21:30:00Z", "2026-06-01T22:30:00Z"].map(at)
    #expect(RetentionRules(daily: 9).decide(backups).filter(\.stays).count == 1)
    #expect(
      RetentionRules(daily: 9, timeZone: "Europe/Berlin").decide(backups).filter(\.stays).count == 2
    )
  }

  @Test func theHourThatAClockChangeRepeatsIsTwoHours() {
    // 02:30 summer time and 02:30 winter time in Berlin.
    let backups = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"].map(at)
    #expect(
      RetentionRules(hourly: 9, timeZone: "Europe/Berlin").decide(backups).filter(\.stays).count
        == 2)
  }

  @Test func aDamagedNewestDoesNotCostTheLastGoodOne() {
    var newest = at("2026-01-03T00:00:00Z")
    newest.isVerified = false
    let verdicts = RetentionRules(last: 1).decide([
      at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"), newest,
    ])
    #expect(verdicts.map(\.stays) == [true, true, false])
    #expect(verdicts[1].reasons == ["the newest verified backup always stays"])
  }

  @Test func withoutRulesNothingGoes() {
    let verdicts = RetentionRules().decide([at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z")])
    #expect(verdicts.filter(\.stays).count == 2)
    #expect(RetentionRules(last: 5).decide([]).isEmpty)
  }
}

@Suite struct UTCTimeTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56Z", 951_827_696),
    ("2026-11-23T02:00:00Z", 1_795_399_200),
    ("2026-11-23T03:30:00+01:30", 1_795_399_200), ("1969-12-31T23:59:59Z", -1),
    ("2400-02-29T00:00:00Z", 13_574_563_200),
  ])
  func readsAndWrites(_ text: String, _ seconds: Int) throws {
    let time = try #require(UTCTime(text))
    #expect(time.seconds == Int64(seconds))
    if text.hasSuffix("Z") { #expect(time.description == text) }
  }

  @Test func agreesWithFoundationOnRandomMoments() {
    var random = SplitMix64(seed: 11)
    let formatter = ISO8601DateFormatter()
    for _ in 0..<5000 {
      let seconds = Int64.random(in: -60_000_000_000...60_000_000_000, using: &random)
      let time = UTCTime(seconds: seconds)
      guard time.parts.year >= 1583, time.parts.year <= 9999 else { continue }
      #expect(
        formatter.string(from: Date(timeIntervalSince1970: Double(seconds))) == time.description)
      #expect(UTCTime(time.description) == time)
    }
  }

  @Test(arguments: [
    "", "x", "2026-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00Zx", "-", "-2y",
  ])
  func refuses(_ text: String) {
    #expect(UTCTime(text) == nil)
  }

  @Test func ages() {
    let now = UTCTime(seconds: 10_000)
    #expect(UTCTime("-2h", now: now)?.seconds == 2800)
    #expect(Duration(text: "1h30m") == .seconds(5400))
    #expect(Duration(text: "500ms") == .milliseconds(500))
    #expect(Duration(text: "2w") == .seconds(1_209_600))
    #expect(Duration(text: "h") == nil)
  }
}
