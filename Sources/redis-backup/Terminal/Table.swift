/// Rows of text in aligned columns, for people.
struct Table {
  enum Alignment { case left, right }

  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// A table whose columns are aligned like this; missing ones are `left`.
  init(_ alignments: Alignment...) { self.alignments = alignments }

  /// Adds a row.
  mutating func add(_ cells: String...) { rows.append(cells) }

  /// Adds a row.
  mutating func add(cells: [String]) { rows.append(cells) }

  /// Whether there are no rows.
  var isEmpty: Bool { rows.isEmpty }

  /// The lines, each ending with a newline; columns are two blanks apart, nothing trails.
  func text(indent: Int = 0) -> String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], Table.width(cell))
      }
    }
    var text = ""
    for row in rows {
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - Table.width(cell))
        let isRight = column < alignments.count && alignments[column] == .right
        line += isRight ? padding + cell : cell + padding
        if column + 1 < row.count { line += "  " }
      }
      while line.hasSuffix(" ") { line.removeLast() }
      text += line + "\n"
    }
    return text
  }

  /// Columns on a terminal: escape sequences of colours take none.
  static func width(_ text: String) -> Int {
    var width = 0
    var inEscape = false
    for scalar in text.unicodeScalars {
      if scalar == "\u{1B}" {
        inEscape = true
      } else if inEscape {
        if scalar == "m" { inEscape = false }
      } else {
        width += 1
      }
    }
    return width
  }
}
