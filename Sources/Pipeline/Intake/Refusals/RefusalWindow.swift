public import Ratings

/// The newest verdicts on one partition's events: how many refuse them, and why.
public struct RefusalWindow: Hashable, Sendable {
  /// The most verdicts that it holds.
  public static let size = 1_000
  /// A bit each in a set of rules.
  private static let mostRules = 64

  /// The verdicts in a circle, empty sets for valid events. It has no memory before the first
  /// refusal.
  private var ring: [ExpectationSet] = []
  /// The oldest one's place.
  private var oldest = 0
  /// How many verdicts it holds, from the first refusal on.
  public private(set) var count = 0
  /// How many of them refuse an event.
  public private(set) var refusals = 0
  /// By rule: how many events fail it, and where the newest of them is.
  private var failures: [Int] = []
  private var examples: [Int64] = []

  public init() {}

  /// Takes the verdict on the next event; `failed` is empty for a valid one.
  public mutating func take(_ failed: ExpectationSet, offset: Int64) {
    if refusals == 0 {
      if failed.isEmpty { return }
      if ring.isEmpty { allocate() }
    }
    let gone = ring[oldest]
    ring[oldest] = failed
    count = min(count + 1, Self.size)
    oldest = oldest + 1 == Self.size ? 0 : oldest + 1
    if !gone.isEmpty {
      refusals -= 1
      for rule in gone { failures[Int(rule.rawValue)] -= 1 }
    }
    if !failed.isEmpty {
      refusals += 1
      for rule in failed {
        failures[Int(rule.rawValue)] += 1
        examples[Int(rule.rawValue)] = offset
      }
    }
  }

  private mutating func allocate() {
    ring = Array(repeating: [], count: Self.size)
    failures = Array(repeating: 0, count: Self.mostRules)
    examples = Array(repeating: 0, count: Self.mostRules)
  }

  /// The rule that most of them fail, the first one of several; how many do, and the newest of
  /// those. `nil` if all are valid.
  public var mostFrequent: (rule: Expectation, events: Int, example: Int64)? {
    var most: (rule: Expectation, events: Int, example: Int64)?
    for rule in Expectation.allCases where refusals > 0 {
      let events = failures[Int(rule.rawValue)]
      if events > most?.events ?? 0 { most = (rule, events, examples[Int(rule.rawValue)]) }
    }
    return most
  }
}

/// Says once that most of a partition's events are refused, and again only after that has ended.
public struct RefusalAlarm: Hashable, Sendable {
  /// Raised by more refusals than these, and over with fewer than those.
  public static let raising = RefusalWindow.size / 2
  public static let ending = RefusalWindow.size / 4

  public enum News: Hashable, Sendable {
    case refused, accepted
  }

  public private(set) var isRaised = false

  public init() {}

  /// - Returns: what there is to say of a window; `nil` for nothing new.
  public mutating func look(at window: RefusalWindow) -> News? {
    if !isRaised, window.refusals > Self.raising {
      isRaised = true
      return .refused
    }
    if isRaised, window.refusals < Self.ending {
      isRaised = false
      return .accepted
    }
    return nil
  }
}
