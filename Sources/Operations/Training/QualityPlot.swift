import Console
import Foundation
import Recommender

/// Draws quality by week as a page without scripts.
struct QualityPlot {
  private struct Line: Sendable {
    let name: String
    let color: String
    /// Lengths of strokes and gaps: lines that lie on each other are seen all the same.
    let dashes: String
    let value: @Sendable (WeeklyReplay.Week) -> Double
  }

  private static let lines = [
    Line(name: "trained every week", color: "#1b6ca8", dashes: "none") { $0.retrained },
    Line(name: "trained once", color: "#d1495b", dashes: "8 6") { $0.once },
    Line(name: "most rated movies", color: "#888888", dashes: "2 4") { $0.popularity },
  ]
  private static let size = (width: 960.0, height: 420.0)
  private static let margin = 50.0

  let weeks: [WeeklyReplay.Week]

  func write(to path: String) throws(CommandFailure) {
    do { try Data(html.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
      throw CommandFailure(.failure, "\(path) can't be written: \(error.localizedDescription)")
    }
  }

  var html: String {
    """
    <!doctype html><meta charset="utf-8"><title>Quality by week</title>
    <body style="font: 14px sans-serif; margin: 2em">
    <h1>Quality by week</h1>
    <p>NDCG@10 of lists made at the beginning of each week, over what is rated in it.</p>
    \(svg)
    <p>\(Self.lines.map { "<span style=\"color:\($0.color)\">&#9632;</span> \($0.name)" }
      .joined(separator: " &nbsp; ")); a mean over the weeks: \(means)</p>
    </body>

    """
  }

  private var means: String {
    Self.lines.map { line in
      let mean = weeks.map(line.value).reduce(0, +) / Double(weeks.count)
      return "\(line.name) \(String(format: "%.4f", mean))"
    }.joined(separator: ", ")
  }

  private var svg: String {
    let (width, height) = Self.size
    let top = weeks.flatMap { week in Self.lines.map { $0.value(week) } }.max() ?? 0
    let scale = (height - 2 * Self.margin) / max(top, .leastNormalMagnitude)
    let step = (width - 2 * Self.margin) / Double(max(weeks.count - 1, 1))
    func x(_ index: Int) -> String { String(format: "%.1f", Self.margin + Double(index) * step) }
    func y(_ value: Double) -> String {
      String(format: "%.1f", height - Self.margin - value * scale)
    }
    var parts = ["<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\">"]
    for tick in 0...4 {
      let value = top * Double(tick) / 4
      parts.append(
        "<line x1=\"\(Self.margin)\" x2=\"\(width - Self.margin)\" y1=\"\(y(value))\""
          + " y2=\"\(y(value))\" stroke=\"#ddd\"/><text x=\"5\" y=\"\(y(value))\""
          + " font-size=\"12\">\(String(format: "%.3f", value))</text>")
    }
    for index in weeks.indices where index % max(weeks.count / 6, 1) == 0 {
      parts.append(
        "<text x=\"\(x(index))\" y=\"\(height - 20)\" font-size=\"12\""
          + " text-anchor=\"middle\">\(weeks[index].date)</text>")
    }
    for line in Self.lines {
      let points = weeks.enumerated().map { "\(x($0)),\(y(line.value($1)))" }
      parts.append(
        "<polyline fill=\"none\" stroke=\"\(line.color)\" stroke-width=\"2\""
          + " stroke-dasharray=\"\(line.dashes)\" points=\""
          + points.joined(separator: " ") + "\"/>")
    }
    return (parts + ["</svg>"]).joined(separator: "\n")
  }
}
