import Codecs

/// Settings that a search tried, and how they did.
public struct SettingsTrial: Hashable, Sendable, CustomStringConvertible {
  /// The measures of one moment.
  public struct Measures: Hashable, Sendable {
    /// NDCG@10 over all held-out ratings.
    public var rated: Double
    /// NDCG@10 over those that were liked.
    public var liked: Double
    public var dislikedShare: Double
    /// How many users were scored; 0 if nobody could be.
    public var users: Int
  }

  /// The most that a model's metadata may name.
  static let most = 1_000

  /// What was changed from the settings before: `prior 10`; `start` for the first.
  public var change: String
  /// Right after each user's last rating.
  public var next: Measures
  /// At the end of the log.
  public var later: Measures
  /// Whether the search went on from here.
  public var isKept: Bool

  public init(change: String, next: Measures, later: Measures, isKept: Bool = false) {
    self.change = change
    self.next = next
    self.later = later
    self.isKept = isKept
  }

  /// `prior 10: next 0.1712/0.1419/0.0910 of 610, later 0.1897/0.1441/0.1110 of 25, kept`.
  public var description: String {
    "\(change): next \(next), later \(later)" + (isKept ? ", kept" : "")
  }

  /// - Returns: `nil` for anything that `description` does not give.
  init?(_ text: String) {
    let halves = text.split(separator: ": ", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    let parts = halves[1].split(separator: ", ", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 && parts[2] == "kept",
      parts[0].hasPrefix("next "), parts[1].hasPrefix("later "),
      let next = Measures(parts[0].dropFirst(5)), let later = Measures(parts[1].dropFirst(6))
    else { return nil }
    self.init(change: String(halves[0]), next: next, later: later, isKept: parts.count == 3)
  }
}

extension SettingsTrial.Measures: CustomStringConvertible {
  /// To four digits, as `description` shows them.
  init(_ metrics: OpinionMetrics) {
    func rounded(_ number: Double) -> Double { (number * 1e4).rounded() / 1e4 }
    self.init(
      rated: rounded(metrics.rated), liked: rounded(metrics.liked),
      dislikedShare: rounded(metrics.dislikedShare), users: metrics.users)
  }

  public var description: String { "\(rated)/\(liked)/\(dislikedShare) of \(users)" }

  fileprivate init?(_ text: Substring) {
    let halves = text.split(separator: " ", omittingEmptySubsequences: false)
    guard halves.count == 3, halves[1] == "of", let users = Int(halves[2]), users >= 0 else {
      return nil
    }
    let numbers = halves[0].split(separator: "/", omittingEmptySubsequences: false)
      .compactMap { Double($0) }
    guard numbers.count == 3, numbers.allSatisfy(\.isFinite) else { return nil }
    self.init(rated: numbers[0], liked: numbers[1], dislikedShare: numbers[2], users: users)
  }
}
