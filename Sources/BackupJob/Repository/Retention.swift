internal import Foundation

/// Which backups stay. Rules are alternatives: a backup stays when any of them wants it.
public struct RetentionRules: Sendable, Equatable {
  /// The newest so many.
  public var last: Int?
  /// The newest of each of so many hours.
  public var hourly: Int?
  /// The newest of each of so many days.
  public var daily: Int?
  /// The newest of each of so many weeks, which begin on Monday.
  public var weekly: Int?
  /// The newest of each of so many months.
  public var monthly: Int?
  /// The newest of each of so many years.
  public var yearly: Int?
  /// Everything that is at most so much older than the newest backup.
  public var within: Duration?
  /// The time zone in which hours, days, weeks, months and years are counted.
  public var timeZone: String

  /// Rules; without any, everything stays.
  public init(
    last: Int? = nil, hourly: Int? = nil, daily: Int? = nil, weekly: Int? = nil,
    monthly: Int? = nil, yearly: Int? = nil,
    within: Duration? = nil, timeZone: String = "UTC"
  ) {
    self.last = last
    self.hourly = hourly
    self.daily = daily
    self.weekly = weekly
    self.monthly = monthly
    self.yearly = yearly
    self.within = within
    self.timeZone = timeZone
  }

  init(_ text: ConfigText) throws(JobError) {
    self.init(
      last: text.number("retention.keep-last"), hourly: text.number("retention.keep-hourly"),
      daily: text.number("retention.keep-daily"), weekly: text.number("retention.keep-weekly"),
      monthly: text.number("retention.keep-monthly"), yearly: text.number("retention.keep-yearly"),
      within: text.duration("retention.keep-within"),
      timeZone: text.text("retention.time-zone") ?? "UTC")
    guard TimeZone(identifier: timeZone) != nil else {
      throw ConfigText.wrong(
        text.place("retention.time-zone"), "there is no time zone \(timeZone)",
        "Write a name such as Europe/Berlin or UTC.")
    }
  }

  /// Whether any rule is given.
  public var isEmpty: Bool {
    last == nil && hourly == nil && daily == nil && weekly == nil && monthly == nil && yearly == nil
      && within == nil
  }

  /// One backup as the rules see it.
  public struct Candidate: Sendable, Equatable {
    /// The backup.
    public var id: String
    /// When it was begun.
    public var time: UTCTime
    /// Whether it was verified when it was published and nothing is known against it since.
    public var isVerified: Bool

    /// A backup.
    public init(id: String, time: UTCTime, isVerified: Bool) {
      self.id = id
      self.time = time
      self.isVerified = isVerified
    }
  }

  /// What is done with one backup, and why.
  public struct Verdict: Sendable, Equatable {
    /// The backup.
    public var id: String
    /// When it was begun.
    public var time: UTCTime
    /// Whether it stays.
    public var stays: Bool
    /// The rules that want it, or why it goes.
    public var reasons: [String]
  }

  /// Decides about every backup; newest first.
  ///
  /// A calendar rule keeps the newest backup of each of the last `n` periods that have any. The
  /// newest verified backup always stays; and when no rule is given, everything does.
  public func decide(_ candidates: [Candidate]) -> [Verdict] {
    let sorted = candidates.sorted { ($0.time, $0.id) > ($1.time, $1.id) }
    var reasons = [[String]](repeating: [], count: sorted.count)
    guard let newest = sorted.first else { return [] }
    if isEmpty {
      return sorted.map {
        Verdict(id: $0.id, time: $0.time, stays: true, reasons: ["no retention rule is given"])
      }
    }
    if let last {
      for index in sorted.indices.prefix(last) {
        reasons[index].append("keep-last \(index + 1) of \(last)")
      }
    }
    var calendar = Calendar(identifier: .iso8601)
    calendar.timeZone = TimeZone(identifier: timeZone) ?? .gmt
    let rules: [(String, Int?, Set<Calendar.Component>)] = [
      ("keep-hourly", hourly, [.year, .month, .day, .hour]),
      ("keep-daily", daily, [.year, .month, .day]),
      ("keep-weekly", weekly, [.yearForWeekOfYear, .weekOfYear]),
      ("keep-monthly", monthly, [.year, .month]),
      ("keep-yearly", yearly, [.year]),
    ]
    for (name, limit, components) in rules {
      guard let limit, limit > 0 else { continue }
      var kept = 0
      var previous: PeriodKey?
      for (index, backup) in sorted.enumerated() {
        let date = Date(timeIntervalSince1970: Double(backup.time.milliseconds) / 1000)
        let parts = calendar.dateComponents(components, from: date)
        var key = PeriodKey(parts)
        // An hour that a clock change repeats is two hours.
        if components.contains(.hour) { key.offset = calendar.timeZone.secondsFromGMT(for: date) }
        guard key != previous else { continue }
        previous = key
        kept += 1
        guard kept <= limit else { break }
        reasons[index].append("\(name) \(kept) of \(limit)")
      }
    }
    if let within {
      let limit = newest.time.milliseconds - Int64(within.inSeconds * 1000)
      for (index, backup) in sorted.enumerated() where backup.time.milliseconds >= limit {
        reasons[index].append("keep-within \(within.text)")
      }
    }
    if let index = sorted.firstIndex(where: \.isVerified), reasons[index].isEmpty {
      reasons[index].append("the newest verified backup always stays")
    }
    return sorted.indices.map { index in
      Verdict(
        id: sorted[index].id, time: sorted[index].time, stays: !reasons[index].isEmpty,
        reasons: reasons[index].isEmpty ? ["no rule wants it"] : reasons[index])
    }
  }

  private struct PeriodKey: Equatable {
    var parts: [Int]
    var offset = 0

    init(_ components: DateComponents) {
      parts = [
        components.year ?? 0, components.month ?? 0, components.day ?? 0, components.hour ?? 0,
        components.yearForWeekOfYear ?? 0, components.weekOfYear ?? 0,
      ]
    }
  }
}
