import Foundation

/// Shows on standard error how far a long task is: a bar that redraws itself on a terminal, a line
/// every two seconds elsewhere.
struct ProgressBar: ~Copyable {
  /// What is to be done, where that is known beforehand.
  enum Goal {
    case count(Int)
    /// The caller says which fraction is done.
    case fraction
    case unknown
  }

  private static let barWidth = 24

  private let label: String
  private let unit: String
  private let goal: Goal
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private let pause: Duration
  private var nextDraw: ContinuousClock.Instant
  /// The count at which the clock is asked again: asking it for each of millions is too much.
  private var nextLook = 1

  /// - Parameters:
  ///   - label: what is under way: "ratings".
  ///   - unit: what is counted per second, such as "events".
  init(_ label: String, unit: String, goal: Goal = .unknown) {
    self.label = label
    self.unit = unit
    self.goal = goal
    isTerminal = isatty(STDERR_FILENO) == 1
    pause = isTerminal ? .milliseconds(100) : .seconds(2)
    nextDraw = start + pause
  }

  var elapsed: Duration { ContinuousClock.now - start }

  /// Notes how many are done; draws when it is time to. Cheap enough to be called for each.
  ///
  /// - Parameter fraction: of the whole, 0...1, for `Goal.fraction`.
  mutating func update(_ count: Int, fraction: @autoclosure () -> Double = 0) {
    guard count >= nextLook else { return }
    let now = ContinuousClock.now
    let perSecond = Double(count) / max((now - start) / .seconds(1), 1e-3)
    nextLook = count + max(1, Int(perSecond / 100))
    guard now >= nextDraw else { return }
    nextDraw = now + pause
    draw(count, fraction: done(count, fraction()), ends: !isTerminal)
  }

  /// Draws the last state, as a line that stays.
  ///
  /// - Parameter note: stands at the line's end: "loss 0.71".
  mutating func finish(_ count: Int, note: String? = nil) {
    draw(count, fraction: nil, ends: true, note: note)
  }

  private func done(_ count: Int, _ fraction: Double) -> Double? {
    switch goal {
    case .count(let total): total > 0 ? min(Double(count) / Double(total), 1) : nil
    case .fraction: min(max(fraction, 0), 1)
    case .unknown: nil
    }
  }

  private func draw(_ count: Int, fraction: Double?, ends: Bool, note: String? = nil) {
    let seconds = max(elapsed / .seconds(1), 1e-3)
    var parts = ["\(count.formatted(Self.grouped)) \(unit)"]
    parts.append("\(Int(Double(count) / seconds).formatted(Self.grouped))/s")
    if let fraction {
      if isTerminal { parts.insert(Self.bar(fraction), at: 0) }
      parts.insert("\(Int(fraction * 100))%", at: isTerminal ? 1 : 0)
      if fraction > 0 { parts.append("\(Self.time(seconds * (1 - fraction) / fraction)) left") }
    } else if ends {
      parts.append("in \(Self.time(seconds))")
    }
    if let note { parts.append(note) }
    let line = "\(label): \(parts.joined(separator: "  "))"
    let text = (isTerminal ? "\r\u{1B}[2K" : "") + line + (ends ? "\n" : "")
    FileHandle.standardError.write(Data(text.utf8))
  }

  /// Numbers look the same wherever the machine stands.
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
