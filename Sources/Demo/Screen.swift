import Console
import Foundation

/// Keeps lines of text on a terminal up to date. A line that did not change is not written again,
/// so that what a person has selected there stays selected.
struct Screen {
  private var shown: [String] = []
  private var size: Size?

  struct Size: Equatable {
    var columns: Int
    var rows: Int
  }

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// The terminal's size now; that of a small one if it doesn't tell.
  static var currentSize: Size {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
    else { return Size(columns: 80, rows: 24) }
    return Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }

  mutating func show(_ lines: [String], size: Size) {
    let output = update(lines, size: size)
    guard !output.isEmpty else { return }
    StandardStream.output.write(output)
  }

  /// What makes the terminal show these lines, or those of them, from the top, that it has rows
  /// for. A line that is wider than the terminal goes on in the next row.
  mutating func update(_ lines: [String], size: Size) -> String {
    var rows = 0
    let lines = Array(
      lines.prefix { line in
        rows += Self.height(line, columns: size.columns)
        return rows <= size.rows
      })
    defer {
      shown = lines
      self.size = size
    }
    // After a change of size or of the layout nothing stands where it stood.
    let isFresh = size != self.size || heights(lines, size) != heights(shown, size)
    var output = isFresh ? "\u{1B}[?25l\u{1B}[H\u{1B}[2J" : ""
    var row = 1
    for (index, line) in lines.enumerated() {
      let height = Self.height(line, columns: size.columns)
      if isFresh || line != shown[index] {
        // From the last row up, so that the cursor ends where the line begins.
        for row in (row..<row + height).reversed() { output += "\u{1B}[\(row);1H\u{1B}[K" }
        output += line
      }
      row += height
    }
    return output
  }

  /// Leaves the lines where they are and gives the terminal back.
  mutating func leave() {
    guard let size else { return }
    let row = min(heights(shown, size).reduce(1, +), size.rows)
    StandardStream.output.write("\u{1B}[\(row);1H\u{1B}[J\u{1B}[?25h\n")
    self.size = nil
  }

  private func heights(_ lines: [String], _ size: Size) -> [Int] {
    lines.map { Self.height($0, columns: size.columns) }
  }

  /// The rows a line takes.
  static func height(_ line: String, columns: Int) -> Int {
    max(1, (line.count + columns - 1) / columns)
  }
}
