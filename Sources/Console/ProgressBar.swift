import Foundation

/// Shows on standard error how far a long task is: a bar that redraws itself on a terminal, a line
/// every two seconds elsewhere.
package struct ProgressBar: ~Copyable {
  /// What is to be done, where that is known beforehand.
  package enum Goal {
    case count(Int)
    /// The caller says which fraction is done.
    case fraction
    /// It lasts so long, whatever comes of it.
    case time(Duration)
    case unknown
  }

  private static let barWidth = 24
  private static let clearedLine = "\r\u{1B}[2K"
  private static let worthALine = Duration.seconds(2)

  private let label: String
  private let unit: String
  private let goal: Goal
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private let pause: Duration
  private var nextDraw: ContinuousClock.Instant
  /// The count at which the clock is asked again: asking it for each of millions is too much.
  private var nextLook = 1
  /// Whether it stands in a line that has not ended.
  private var isDrawn = false

  /// - Parameters:
  ///   - label: what is under way: "ratings".
  ///   - unit: what is counted per second, such as "events"; empty where nothing is counted.
  package init(_ label: String, unit: String = "", goal: Goal = .unknown) {
    self.label = label
    self.unit = unit
    self.goal = goal
    isTerminal = isatty(STDERR_FILENO) == 1
    pause = isTerminal ? .milliseconds(100) : .seconds(2)
    nextDraw = start + pause
  }

  package var elapsed: Duration { ContinuousClock.now - start }

  /// Notes how many are done; draws when it is time to. Cheap enough to be called for each.
  ///
  /// - Parameter fraction: of the whole, 0...1, for `Goal.fraction`.
  package mutating func update(_ count: Int, fraction: @autoclosure () -> Double = 0) {
    guard count >= nextLook else { return }
    let now = ContinuousClock.now
    let perSecond = Double(count) / max((now - start) / .seconds(1), 1e-3)
    nextLook = count + max(1, Int(perSecond / 100))
    draw(count, fraction: fraction(), at: now)
  }

  /// Draws when it is time to, even though no more may be done than before: for a caller that waits
  /// and comes by now and then.
  ///
  /// - Parameter fraction: as of `update`.
  package mutating func refresh(_ count: Int = 0, fraction: @autoclosure () -> Double = 0) {
    draw(count, fraction: fraction(), at: .now)
  }

  /// Draws the last state, as a line that stays.
  ///
  /// - Parameter note: stands at the line's end: "loss 0.71".
  package mutating func finish(_ count: Int, note: String? = nil) {
    draw(count, fraction: nil, ends: true, note: note)
  }

  /// Leaves a line if it took long enough to be worth one, and no trace otherwise.
  package mutating func close(_ count: Int = 0) {
    if elapsed > Self.worthALine {
      finish(count)
    } else if isDrawn {
      StandardStream.error.write(Self.clearedLine)
    }
  }

  private mutating func draw(
    _ count: Int, fraction: @autoclosure () -> Double, at now: ContinuousClock.Instant
  ) {
    guard now >= nextDraw else { return }
    nextDraw = now + pause
    isDrawn = isTerminal
    draw(count, fraction: done(count, fraction(), after: elapsed), ends: !isTerminal)
  }

  /// The fraction that is done, where that is known.
  package func done(_ count: Int, _ fraction: Double, after elapsed: Duration) -> Double? {
    switch goal {
    case .count(let total): total > 0 ? min(Double(count) / Double(total), 1) : nil
    case .fraction: min(max(fraction, 0), 1)
    case .time(let whole): whole > .zero ? min(elapsed / whole, 1) : nil
    case .unknown: nil
    }
  }

  private func draw(_ count: Int, fraction: Double?, ends: Bool, note: String? = nil) {
    let line = line(count, fraction: fraction, ends: ends, after: elapsed, note: note)
    let text = (isTerminal ? Self.clearedLine : "") + line + (ends ? "\n" : "")
    StandardStream.error.write(text)
  }

  /// What is shown.
  package func line(
    _ count: Int, fraction: Double?, ends: Bool, after elapsed: Duration, note: String? = nil
  ) -> String {
    let seconds = max(elapsed / .seconds(1), 1e-3)
    var parts: [String] = []
    if !unit.isEmpty {
      parts.append("\(count.formatted(Self.grouped)) \(unit)")
      parts.append("\(Int(Double(count) / seconds).formatted(Self.grouped))/s")
    }
    if let fraction {
      if isTerminal { parts.insert(Self.bar(fraction), at: 0) }
      parts.insert("\(Int(fraction * 100))%", at: isTerminal ? 1 : 0)
      if fraction > 0 { parts.append("\(Self.time(seconds * (1 - fraction) / fraction)) left") }
    } else if ends {
      parts.append("in \(Self.time(seconds))")
    } else if unit.isEmpty {
      parts.append(Self.time(seconds))
    }
    if let note { parts.append(note) }
    return "\(label): \(parts.joined(separator: "  "))"
  }

  /// Numbers look the same regardless of locale.
  private static let grouped = IntegerFormatStyle<Int>(locale: Locale(identifier: "en_US"))

  private static func bar(_ fraction: Double) -> String {
    let full = Int(fraction * Double(barWidth))
    return "[" + String(repeating: "#", count: full)
      + String(repeating: "-", count: barWidth - full) + "]"
  }

  /// `12.3 s`, `4 min 5 s` or `2 h 3 min`.
  private static func time(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return switch whole {
    case ..<60: String(format: "%.1f s", seconds)
    case ..<3600: "\(whole / 60) min \(whole % 60) s"
    default: "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
  }
}
