/// Sentences and numbers of a ``KeyspaceReport`` for people, the same in the text and on the page.
public enum ReportText {
  /// What has to be said about the numbers.
  public static func notes(_ report: KeyspaceReport) -> [String] {
    var notes = [
      "memory is an estimate: what MEMORY USAGE of Redis 7.0 (64 bits, jemalloc) would count, without "
        + "the table of expiring keys and what a server needs beside its keys; other releases differ "
        + "by a few per cent",
      report.isLog
        ? "bytes are those of the elements, since a log holds commands and no values"
        : "bytes are those in the file, compressed where the file is; they are exact",
    ]
    if report.modules > 0 {
      notes.append(
        "\(count(report.modules)) \(report.modules == 1 ? "key" : "keys") of modules are not in the "
          + "memory, which only they know; --sort size ranks by bytes")
    }
    if report.prefixBound > 0 {
      let bound =
        report.ranking == .elements
        ? "\(count(report.prefixBound)) elements" : ByteCount.text(report.prefixBound)
      notes.append(
        "there are more prefixes than are counted at a time: those marked \u{201C}at least\u{201D} may be too "
          + "low, by \(bound) at most; so one that is not listed may have up to \(bound) more than "
          + "the last that is")
    }
    return notes
  }

  /// What bytes are, behind a number.
  public static func bytesMean(_ report: KeyspaceReport) -> String {
    report.isLog ? "in their elements" : "in the file"
  }

  /// What the ranking looks at.
  public static func rankedBy(_ report: KeyspaceReport) -> String {
    switch report.ranking {
    case .memory: "estimated memory"
    case .size: "bytes \(bytesMean(report))"
    case .elements: "elements"
    }
  }

  /// A number with blanks between groups of three digits: `12 345`.
  public static func count(_ number: Int) -> String {
    let digits = String(number)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 && digit != "-" { text += " " }
      text.append(digit)
    }
    return text
  }

  /// How many thousandths of what the ranking looks at `weight` is.
  public static func permille(_ weight: Int, of report: KeyspaceReport) -> Int {
    let total = report.ranking.weight(report.total)
    guard total > 0 else { return 0 }
    return min(1000, Int((Double(weight) / Double(total) * 1000).rounded()))
  }
}
