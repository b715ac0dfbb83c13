/// Rows of text in columns, for a terminal.
package struct TextTable {
  private var rows: [[String]]
  /// Columns whose text stands at the right: numbers.
  private let rightAligned: Set<Int>

  package init(_ header: [String], rightAligned: Set<Int> = []) {
    rows = [header]
    self.rightAligned = rightAligned
  }

  package mutating func append(_ row: [String]) {
    rows.append(row.map(\.printable))
  }

  /// The table, each row a line. Columns are as wide as their widest text.
  package var description: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, text) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - text.count)
        if column > 0 { line += "  " }
        line += rightAligned.contains(column) ? padding + text : text + padding
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
