/// What became of the requests in a batch.
public struct RequestSummary: Hashable, Sendable {
  public enum Outcome: String, Hashable, Sendable, CaseIterable {
    /// Answered with a list for the user.
    case personal
    /// Answered with what is popular.
    case popular
    /// Answered with an error.
    case refused
    /// Dropped, because its deadline had passed.
    case late
    /// Dropped, because it was older than requests may be.
    case old
    /// Sent on to its user's partition.
    case forwarded
  }

  public var outcomes: [Outcome: Int64] = [:]
  /// The refused ones, by the code of their error.
  public var refused: [String: Int64] = [:]
  /// How many of ten movies a shadow's answer shared with the one shown: answers by that number.
  public var overlaps: [Int: Int64] = [:]

  public init() {}

  public var isEmpty: Bool { outcomes.isEmpty && overlaps.isEmpty }

  public mutating func count(_ outcome: Outcome) { outcomes[outcome, default: 0] += 1 }

  public mutating func countRefused(code: String) {
    count(.refused)
    refused[code, default: 0] += 1
  }

  /// - Parameter share: of the ten best movies, from 0 to 1.
  public mutating func countOverlap(_ share: Double) {
    overlaps[Int((share * 10).rounded()), default: 0] += 1
  }
}

/// What a batch has written to the system that features are projected to.
public struct ProjectionSummary: Hashable, Sendable {
  /// Rows newer than those that were there.
  public var written = 0
  /// Rows left out because they were not newer.
  public var fenced = 0
  /// Keys that held something else, which is gone.
  public var replaced = 0
  /// From the first row sent to the last answer.
  public var duration = Duration.zero

  public init(
    written: Int = 0, fenced: Int = 0, replaced: Int = 0, duration: Duration = .zero
  ) {
    self.written = written
    self.fenced = fenced
    self.replaced = replaced
    self.duration = duration
  }
}
