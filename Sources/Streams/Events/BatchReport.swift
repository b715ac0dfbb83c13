/// What an operator has to tell of a committed batch.
public struct BatchReport: Hashable, Sendable {
  public var judged = VerdictCounts()
  /// What follows from the batch, as events of the stage.
  public var events: [EngineEvent.Kind] = []

  public init(judged: VerdictCounts = VerdictCounts(), events: [EngineEvent.Kind] = []) {
    self.judged = judged
    self.events = events
  }
}

/// What a stage that judges its input found wrong with it, or had to make up for.
public struct VerdictCounts: Hashable, Sendable {
  /// Input records that are invalid.
  public var invalid: Int64 = 0
  /// How many fail each rule, by its name: a record may fail several.
  public var failed: [String: Int64] = [:]
  /// How many were understood by each coercion, by its name.
  public var coerced: [String: Int64] = [:]

  public init(
    invalid: Int64 = 0, failed: [String: Int64] = [:], coerced: [String: Int64] = [:]
  ) {
    self.invalid = invalid
    self.failed = failed
    self.coerced = coerced
  }

  /// Whether there is nothing to tell.
  public var isEmpty: Bool { invalid == 0 && coerced.isEmpty }

  /// The rule that most records fail; of several the first by name. `nil` if all are valid.
  public var mostFrequentRule: String? {
    failed.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  public mutating func add(_ other: VerdictCounts) {
    guard !other.isEmpty else { return }
    invalid += other.invalid
    failed.merge(other.failed, uniquingKeysWith: +)
    coerced.merge(other.coerced, uniquingKeysWith: +)
  }

  /// What was counted since these were.
  public func since(_ earlier: VerdictCounts) -> VerdictCounts {
    VerdictCounts(
      invalid: invalid - earlier.invalid, failed: Self.difference(failed, earlier.failed),
      coerced: Self.difference(coerced, earlier.coerced))
  }

  private static func difference(_ new: [String: Int64], _ old: [String: Int64])
    -> [String: Int64]
  {
    new.reduce(into: [:]) { difference, count in
      let more = count.value - old[count.key, default: 0]
      if more != 0 { difference[count.key] = more }
    }
  }
}
