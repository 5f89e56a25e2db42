public import Bytes
internal import RDB

/// The HTML page of a ``KeyspaceReport``: one file that asks for nothing from outside, without
/// scripts, readable in light and dark, with every number as text.
public struct ReportPage {
  private let report: KeyspaceReport
  private let title: String

  /// The page of `report`; `title` says what it is about, such as the name of the file.
  public init(_ report: KeyspaceReport, title: String) {
    self.report = report
    self.title = title
  }

  /// Writes the page.
  public func write(to output: inout OutputBuffer) {
    let shown = escape(title)
    output.write(
      text: """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(shown) – what takes the room</title>
        <style>\(ReportPage.style)</style>
        </head>
        <body>
        <h1>What takes the room in <code>\(shown)</code></h1>
        <p>\(escape(summary))</p>

        """)
    output.write(text: "<ul class=\"notes\">\n")
    for note in ReportText.notes(report) { output.write(text: "<li>\(escape(note))</li>\n") }
    output.write(text: "</ul>\n")
    prefixes(&output)
    table(
      "Types", ["type"], report.types.map { ([$0.name], $0.tally) }, &output)
    table(
      "Encodings", ["type", "encoding"],
      report.encodings.map { (["\($0.type.name)", $0.name], $0.tally) }, &output)
    biggest(&output)
    table(
      "Databases", ["db"], report.databases.map { (["\($0.db)"], $0.tally) }, &output)
    table(
      "Time to live", ["expires"], report.expiries.map { ([$0.name], $0.tally) }, &output)
    table(
      "Size of the single key", ["size"], report.sizes.map { ([$0.name], $0.tally) }, &output)
    output.write(text: "</body>\n</html>\n")
  }

  private var summary: String {
    let total = report.total
    return
      "\(ReportText.count(total.keys)) keys with \(ReportText.count(total.elements)) elements: "
      + "\(ByteCount.text(total.bytes)) \(ReportText.bytesMean(report)), about "
      + "\(ByteCount.text(total.memory)) in the memory of a server. Looked at "
      + "\(Moment(milliseconds: report.now).text); ranked by \(ReportText.rankedBy(report))."
  }

  private func prefixes(_ output: inout OutputBuffer) {
    var rows: [(name: String, tally: KeyTally, level: Int, missed: Int)] = []
    for (place, level) in tree() {
      let prefix = report.prefixes[place]
      rows.append((KeyText.quoted(prefix.name), prefix.tally, level, prefix.missed))
    }
    if report.unprefixed.keys > 0 { rows.append(("no prefix", report.unprefixed, 0, 0)) }
    output.write(text: "<h2>Prefixes</h2>\n")
    head(["prefix"], &output)
    for row in rows {
      let more = row.missed > 0 ? " <small>or up to \(missed(row.missed)) more</small>" : ""
      let indent = "style=\"padding-left:\(6 + 14 * min(row.level, 16))px\""
      output.write(
        text: "<tr><td \(indent)><code>\(escape(row.name))</code>\(more)</td>"
          + numbers(row.tally) + "</tr>\n")
    }
    output.write(text: "</tbody></table>\n")
  }

  /// The places of the prefixes in the order of a tree, and how deep each is: what stands below a prefix
  /// follows it, and what stands side by side is in the order of the report, that which takes most first.
  private func tree() -> [(place: Int, level: Int)] {
    let prefixes = report.prefixes
    let byName = prefixes.indices.sorted {
      prefixes[$0].name.lexicographicallyPrecedes(prefixes[$1].name)
    }
    var parents = [Int?](repeating: nil, count: prefixes.count)
    var above: [Int] = []
    for place in byName {
      while let last = above.last, !prefixes[place].name.starts(with: prefixes[last].name) {
        above.removeLast()
      }
      parents[place] = above.last
      above.append(place)
    }
    var children: [Int: [Int]] = [:]
    var roots: [Int] = []
    for place in prefixes.indices {
      if let parent = parents[place] {
        children[parent, default: []].append(place)
      } else {
        roots.append(place)
      }
    }
    var order: [(place: Int, level: Int)] = []
    var waiting = roots.reversed().map { (place: $0, level: 0) }
    while let next = waiting.popLast() {
      order.append(next)
      waiting += (children[next.place] ?? []).reversed().map { ($0, next.level + 1) }
    }
    return order
  }

  private func missed(_ weight: Int) -> String {
    report.ranking == .elements ? ReportText.count(weight) : ByteCount.text(weight)
  }

  private func table(
    _ name: String, _ columns: [String], _ rows: [(names: [String], tally: KeyTally)],
    _ output: inout OutputBuffer
  ) {
    output.write(text: "<h2>\(name)</h2>\n")
    head(columns, &output)
    for row in rows {
      let names = row.names.map { "<td>\(escape($0))</td>" }.joined()
      output.write(text: "<tr>\(names)\(numbers(row.tally))</tr>\n")
    }
    output.write(text: "</tbody></table>\n")
  }

  private func head(_ columns: [String], _ output: inout OutputBuffer) {
    let cells = (columns + ["keys", "with expiry", "elements", "bytes", "memory", "share"])
      .map { "<th scope=\"col\">\($0)</th>" }.joined()
    output.write(text: "<table><thead><tr>\(cells)</tr></thead><tbody>\n")
  }

  private func numbers(_ tally: KeyTally) -> String {
    let share = ReportText.permille(report.ranking.weight(tally), of: report)
    return [
      ReportText.count(tally.keys), ReportText.count(tally.expiring),
      ReportText.count(tally.elements), ByteCount.text(tally.bytes), ByteCount.text(tally.memory),
    ].map { "<td class=\"n\">\($0)</td>" }.joined() + bar(share)
  }

  private func bar(_ permille: Int) -> String {
    "<td class=\"bar\"><i style=\"width:\(permille / 10).\(permille % 10)%\"></i>"
      + "<b>\(permille / 10).\(permille % 10) %</b></td>"
  }

  private func biggest(_ output: inout OutputBuffer) {
    output.write(text: "<h2>Biggest keys</h2>\n")
    let cells = [
      "db", "key", "type", "encoding", "elements", "bytes", "memory", "expires", "share",
    ]
    .map { "<th scope=\"col\">\($0)</th>" }.joined()
    output.write(text: "<table><thead><tr>\(cells)</tr></thead><tbody>\n")
    for key in report.biggest {
      let name = key.key.withByteSlice { KeyText.quoted($0, limit: 200) }
      var tally = KeyTally()
      tally.elements = Int(clamping: key.elements)
      tally.bytes = key.bytes
      tally.memory = key.memory
      let expiry = key.expiresAt.map { Moment(milliseconds: $0).text } ?? "never"
      output.write(
        text: "<tr><td class=\"n\">\(key.db)</td><td><code>\(escape(name))</code></td>"
          + "<td>\(key.type.name)</td><td>\(key.encoding)</td>"
          + "<td class=\"n\">\(ReportText.count(tally.elements))</td>"
          + "<td class=\"n\">\(ByteCount.text(key.bytes))</td>"
          + "<td class=\"n\">\(ByteCount.text(key.memory))</td><td>\(expiry)</td>"
          + bar(ReportText.permille(report.ranking.weight(tally), of: report)) + "</tr>\n")
    }
    output.write(text: "</tbody></table>\n")
  }

  /// `text` with nothing in it that HTML would take for markup.
  private func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static let style = """
    :root{color-scheme:light dark;--line:#8884;--bar:#4a90d955}
    body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:78em;padding:0 1em}
    h1{font-size:1.4em}h2{font-size:1.1em;margin:2em 0 .4em}
    code{font-family:ui-monospace,monospace;font-size:.92em;overflow-wrap:anywhere}
    .notes{opacity:.8;font-size:.92em;padding-left:1.2em}
    table{border-collapse:collapse;width:100%}
    th{text-align:left;font-weight:600;border-bottom:2px solid var(--line)}
    th,td{padding:.2em .6em}td{border-bottom:1px solid var(--line)}
    .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
    .bar{position:relative;width:14em;min-width:7em}
    .bar i{position:absolute;inset:.15em auto .15em 0;background:var(--bar)}
    .bar b{position:relative;font-weight:400;font-variant-numeric:tabular-nums}
    small{opacity:.7}
    """
}
