import Foundation
import Operations
import Streams

/// What the demo knows at one moment, and how a terminal shows it.
struct Dashboard {
  struct Freshness: Hashable {
    var p50: Double
    var p99: Double
  }

  var broker: String
  var redis: String
  var daemonLog: String
  /// The file that holds all of `commands`.
  var commandFile: String
  var progress = PipelineProgress()
  /// Those under way.
  var restores: [RestoreStatus] = []
  var freshness: Freshness?
  var user: Int64
  /// By name, in their order; empty before there are any.
  var features: [SampleUser.Feature] = []
  /// The last answer to a request for recommendations.
  var reply: ReplyRecord?
  /// The more useful ones first.
  var commands: [PasteLine] = []

  private static let fewestMovies = 3
  private static let mostMovies = 10

  var movies: [ReplyRecord.Movie] { reply?.recommendations ?? [] }

  /// The screen's lines from top to bottom, the last row left free. Only those of commands may be
  /// wider than the screen: they go on in its next row, so that they can be copied. A command that
  /// has no room as a whole is left to the file that the screen names.
  func lines(columns: Int, rows: Int) -> [String] {
    var above = [
      "projectionist demo   broker \(broker)   redis \(redis)",
      "Ctrl-C stops all of it   daemon's log \(daemonLog)",
      "Commands for a second terminal:   cat \(PasteLines.quoted(commandFile))",
      restoreLine ?? "",
      progressLine,
      lagLine,
      "user \(user) in Redis",
    ]
    above += featureLines(columns: columns)
    above += ["", recommendationTitle]
    var room = max(rows - 1 - above.count - Self.fewestMovies, 0)
    let below = commandLines(columns: columns, room: &room)
    let movies = movieLines(min(Self.fewestMovies + room, Self.mostMovies))
    return (above + movies).map { Self.cut($0, columns) } + below
  }

  /// All that changes, in one line, for where there is no terminal.
  var summary: String {
    var parts = [progressLine, lagLine]
    if let restoreLine { parts.append(restoreLine) }
    let count = features.first { $0.name == SampleUser.countFeature }?.text ?? "-"
    parts.append("user \(user): \(count) ratings")
    if let movie = movies.first { parts.append("first of all \(movie.title)") }
    return parts.joined(separator: " · ")
  }

  private var progressLine: String {
    let rate =
      "\(Self.grouped(progress.eventsPerSecond))/s (peak"
      + " \(Self.grouped(progress.peakEventsPerSecond)))"
    return "\(Self.grouped(progress.events)) events · \(rate) · \(Self.text(freshness))"
  }

  private var lagLine: String { "lag: \(progress.lagText)" }

  /// `nil` when all state is there.
  private var restoreLine: String? {
    guard !restores.isEmpty else { return nil }
    let parts = restores.map { restore in
      var text = "\(restore.changelog) \(restore.percent) %"
      if let rate = restore.rate { text += ", \(Self.grouped(Int(rate))) records/s" }
      if let left = restore.timeLeft { text += ", \(Int(left / .seconds(1))) s left" }
      return text
    }
    return "restoring state: " + parts.joined(separator: " · ")
  }

  /// In as many columns as there is room for, to be read downwards.
  private func featureLines(columns: Int) -> [String] {
    var lines = ["  nothing yet"]
    // One column is the last resort.
    for height in stride(from: 1, through: features.count, by: 1) {
      lines = rows(of: height)
      if lines.allSatisfy({ $0.count <= columns }) { break }
    }
    return lines
  }

  private func rows(of height: Int) -> [String] {
    var lines = [String](repeating: "", count: height)
    for start in stride(from: 0, to: features.count, by: height) {
      let column = features[start..<min(start + height, features.count)]
      let nameWidth = column.map(\.name.count).max() ?? 0
      let width = lines.map(\.count).max() ?? 0
      for (row, feature) in column.enumerated() {
        lines[row] =
          Self.padded(lines[row], width)
          + "  \(Self.padded(feature.name, nameWidth)) \(feature.text)"
      }
    }
    return lines
  }

  private var recommendationTitle: String {
    guard let reply else { return "recommendations for user \(user): no answer yet" }
    if let error = reply.error { return "recommendations: \(error.message)" }
    return "recommendations for user \(user) (\(reply.strategy ?? ""),"
      + " \(Self.text(reply.latencyMs ?? 0)) ms in the daemon)"
  }

  /// Always as many lines, so that what follows stays where it is.
  private func movieLines(_ count: Int) -> [String] {
    (0..<count).map { index in
      guard index < movies.count else { return "" }
      let movie = movies[index]
      let rank = String(repeating: " ", count: index < 9 ? 3 : 2) + "\(index + 1)"
      return "\(rank)  \(String(format: "%.3f", movie.score))  \(movie.title)  [\(movie.genres)]"
    }
  }

  /// The commands for which there is room.
  ///
  /// - Parameter room: rows; those taken are gone from it.
  private func commandLines(columns: Int, room: inout Int) -> [String] {
    var lines: [String] = []
    for command in commands {
      let added = (lines.isEmpty ? [""] : []) + ["# \(command.title)", command.command]
      let height = added.map { Screen.height($0, columns: columns) }.reduce(0, +)
      guard height <= room else { continue }
      lines += added
      room -= height
    }
    return lines
  }

  // MARK: Text

  /// What fits of a line. Titles come from outside: none may move the cursor.
  private static func cut(_ line: String, _ columns: Int) -> String {
    let line = String(
      line.map {
        $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : $0
      })
    return line.count <= columns ? line : line.prefix(max(columns - 1, 0)) + "…"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  static func text(_ freshness: Freshness?) -> String {
    freshness.map { "freshness p50 \(text($0.p50)) ms p99 \(text($0.p99)) ms" } ?? "freshness -"
  }

  static func text(_ milliseconds: Double) -> String {
    String(format: milliseconds < 10 ? "%.1f" : "%.0f", milliseconds)
  }

  /// Thousands are separated the same way regardless of locale.
  static func grouped(_ number: Int) -> String {
    number.formatted(IntegerFormatStyle<Int>(locale: Locale(identifier: "en_US")))
  }
}
