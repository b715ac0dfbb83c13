/// The pauses between the attempts at something that fails: as long each time, or twice as long up
/// to a bound.
public struct RetryPauses: Hashable, Sendable {
  static let shortest = Duration.milliseconds(100)

  private var pause: Duration
  private let longest: Duration

  init(from shortest: Duration = Self.shortest, upTo longest: Duration) {
    pause = shortest
    self.longest = longest
  }

  /// For the log, whose client waits on its own.
  static let steady = RetryPauses(upTo: shortest)
  /// For a side system, which may be away for days and must not be flooded with attempts.
  static let growing = RetryPauses(upTo: .seconds(5))
  /// For looks at a side system that happen anyway, as often as this.
  public static func growing(from shortest: Duration) -> RetryPauses {
    RetryPauses(from: shortest, upTo: .seconds(5))
  }

  /// The next pause.
  public mutating func next() -> Duration {
    defer { pause = min(longest, pause * 2) }
    return pause
  }
}
