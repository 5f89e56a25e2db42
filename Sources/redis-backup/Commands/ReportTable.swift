import Bytes
import Operations
import RDB

/// What `report` says to people.
struct ReportTable {
  private let report: KeyspaceReport
  private let terminal: Terminal

  init(_ report: KeyspaceReport, _ terminal: Terminal) {
    self.report = report
    self.terminal = terminal
  }

  /// All of it.
  func text(_ file: String) -> String {
    let total = report.total
    var text =
      terminal.paint(KeyText.fileName(file), .strong)
      + ": \(ReportText.count(total.keys)) \(total.keys == 1 ? "key" : "keys"), "
      + "\(ByteCount.text(total.bytes)) \(ReportText.bytesMean(report)), "
      + "about \(ByteCount.text(total.memory)) in memory\n"
    if total.keys == 0 { return text }
    text += prefixes()
    text += section("type", report.types.map { ($0.name, $0.tally) })
    text += section(
      "encoding", report.encodings.map { (encoding($0.type, $0.name), $0.tally) })
    text += biggest()
    if report.databases.count > 1 {
      text += section("database", report.databases.map { ("db \($0.db)", $0.tally) })
    }
    text += section("expires", report.expiries.map { ($0.name, $0.tally) })
    text += section("size of the key", report.sizes.map { ($0.name, $0.tally) })
    text += "\n"
    for note in ReportText.notes(report) { text += terminal.paint("- \(note)", .faint) + "\n" }
    return text
  }

  private func section(_ title: String, _ rows: [(name: String, tally: KeyTally)]) -> String {
    var table = Table(.right, .right, .right, .right, .right, .right, .left)
    table.add(
      cells: ["share", "memory", "bytes", "keys", "expiring", "elements", title]
        .map { terminal.paint($0, .strong) })
    for (name, tally) in rows {
      table.add(
        share(report.ranking.weight(tally)), ByteCount.text(tally.memory),
        ByteCount.text(tally.bytes), ReportText.count(tally.keys),
        ReportText.count(tally.expiring), ReportText.count(tally.elements), name)
    }
    return "\n" + table.text()
  }

  private func prefixes() -> String {
    if report.prefixes.isEmpty { return "" }
    var rows = report.prefixes.map { prefix -> (String, KeyTally) in
      let name = prefix.name.withByteSlice { KeyText.quoted($0, limit: 60) }
      return (prefix.missed > 0 ? name + " at least" : name, prefix.tally)
    }
    if report.unprefixed.keys > 0 { rows.append(("no prefix", report.unprefixed)) }
    return section("prefix", rows)
  }

  private func biggest() -> String {
    var table = Table(.right, .right, .right, .right, .left, .left)
    table.add(
      cells: ["share", "memory", "bytes", "elements", "type", "biggest key"]
        .map { terminal.paint($0, .strong) })
    let manyDatabases = report.databases.count > 1
    for key in report.biggest {
      var tally = KeyTally()
      tally.elements = Int(clamping: key.elements)
      tally.bytes = key.bytes
      tally.memory = key.memory
      let name = key.key.withByteSlice { KeyText.quoted($0, limit: 60) }
      table.add(
        share(report.ranking.weight(tally)), ByteCount.text(key.memory),
        ByteCount.text(key.bytes), ReportText.count(tally.elements),
        encoding(key.type, key.encoding), manyDatabases ? "db \(key.db) \(name)" : name)
    }
    return "\n" + table.text()
  }

  /// `hash listpack`; just `stream` where both have the same name.
  private func encoding(_ type: LogicalType, _ name: String) -> String {
    "\(type.name)" == name ? name : "\(type.name) \(name)"
  }

  private func share(_ weight: Int) -> String {
    let permille = ReportText.permille(weight, of: report)
    return "\(permille / 10).\(permille % 10) %"
  }
}
