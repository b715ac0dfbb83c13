import Foundation
import Pipeline

/// What the demo knows at one moment, and how a terminal shows it.
struct Dashboard {
  struct Freshness: Hashable {
    var p50: Double
    var p99: Double
  }

  var broker: String
  var redis: String
  var daemonLog: String
  var progress = PipelineProgress()
  var restores: [RestoringState] = []
  var freshness: Freshness?
  var user: Int64
  /// By name, in their order; empty before there are any.
  var features: [SampleUser.Feature] = []
  /// The last answer to a request for recommendations.
  var reply: ReplyRecord?
  var commands: [PasteLine] = []

  static let clearHint = "Ctrl-C stops everything that this demo started."
  private static let fewestMovies = 3
  private static let mostMovies = 10

  var movies: [ReplyRecord.Movie] { reply?.recommendations ?? [] }

  /// The screen's lines from top to bottom. Only those of commands may be wider than the screen:
  /// they are there to be copied.
  func lines(columns: Int, rows: Int) -> [String] {
    var above = [
      "projectionist demo   broker \(broker)   redis \(redis)",
      "daemon's log: \(daemonLog)   \(Self.clearHint)",
      "",
      progressLine, lagLine, restoreLine ?? "",
      "user \(user) in Redis",
    ]
    above += featureLines(columns: columns)
    above += ["", recommendationTitle]
    let below = [""] + commandLines
    let taken =
      above.count + below.map { max(1, ($0.count + columns - 1) / columns) }.reduce(0, +)
    let room = min(max(rows - 1 - taken, Self.fewestMovies), Self.mostMovies)
    return above.map { Self.cut($0, columns) }
      + movieLines(room).map { Self.cut($0, columns) } + below
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
      "\(Self.grouped(progress.eventsPerSecond)) events/s (peak"
      + " \(Self.grouped(progress.peakEventsPerSecond)))"
    let fresh =
      freshness.map { "freshness p50 \(Self.text($0.p50)) ms p99 \(Self.text($0.p99)) ms" }
      ?? "freshness -"
    return "\(Self.grouped(progress.events)) events · \(rate) · \(fresh)"
  }

  private var lagLine: String {
    "lag: "
      + progress.lags.map { "\($0.stage.rawValue) \(Self.grouped(Int($0.lag)))" }
      .joined(separator: " · ")
  }

  /// `nil` when all state is there.
  private var restoreLine: String? {
    guard !restores.isEmpty else { return nil }
    let parts = restores.map { restore in
      var text = "\(restore.changelog) \(restore.percent) %"
      if let rate = restore.recordsPerSecond { text += ", \(Self.grouped(rate)) records/s" }
      if let seconds = restore.secondsLeft { text += ", \(seconds) s left" }
      return text
    }
    return "restoring state: " + parts.joined(separator: " · ")
  }

  private func featureLines(columns: Int) -> [String] {
    guard !features.isEmpty else { return ["  nothing yet"] }
    let nameWidth = (features.map(\.name.count).max() ?? 0) + 1
    let valueWidth = (features.map(\.text.count).max() ?? 0) + 3
    let cells = features.map { Self.padded($0.name, nameWidth) + Self.padded($0.text, valueWidth) }
    let perLine = max(1, (columns - 2) / (nameWidth + valueWidth))
    return stride(from: 0, to: cells.count, by: perLine).map { start in
      let line = "  " + cells[start..<min(start + perLine, cells.count)].joined()
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
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

  private var commandLines: [String] {
    ["In a second terminal:"] + commands.flatMap { ["# \($0.title)", $0.command] }
  }

  // MARK: Text

  static func cut(_ line: String, _ columns: Int) -> String {
    line.count <= columns ? line : line.prefix(max(columns - 1, 0)) + "…"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  static func text(_ milliseconds: Double) -> String {
    String(format: milliseconds < 10 ? "%.1f" : "%.0f", milliseconds)
  }

  /// Thousands are separated alike wherever the machine stands.
  static func grouped(_ number: Int) -> String {
    number.formatted(IntegerFormatStyle<Int>(locale: Locale(identifier: "en_US")))
  }
}
