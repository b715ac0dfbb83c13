/// What an operator has to tell of a committed batch.
public struct BatchReport: Hashable, Sendable {
  public var judged = VerdictCounts()
  /// What became of requests, in a stage that answers them.
  public var requests: RequestSummary?
  /// What was written, in a stage that projects features.
  public var projected: ProjectionSummary?
  /// The records whose effect is complete now: requests answered, features projected.
  public var completed = TimeTally()
  /// What follows from the batch, as events of the stage.
  public var events: [EngineEvent.Kind] = []

  public init(judged: VerdictCounts = VerdictCounts(), events: [EngineEvent.Kind] = []) {
    self.judged = judged
    self.events = events
  }
}

/// What a stage that judges its input found wrong with it, or had to make up for.
public struct VerdictCounts: Hashable, Sendable {
  /// Input records that are valid.
  public var valid: Int64 = 0
  /// Input records that are invalid.
  public var invalid: Int64 = 0
  /// Those of them that their dead letter has no room for.
  public var oversized: Int64 = 0
  /// How many fail each rule, by its name: a record may fail several.
  public var failed: [String: Int64] = [:]
  /// How many were understood by each coercion, by its name.
  public var coerced: [String: Int64] = [:]

  public init(
    valid: Int64 = 0, invalid: Int64 = 0, oversized: Int64 = 0, failed: [String: Int64] = [:],
    coerced: [String: Int64] = [:]
  ) {
    self.valid = valid
    self.invalid = invalid
    self.oversized = oversized
    self.failed = failed
    self.coerced = coerced
  }

  /// Whether there is nothing to tell.
  public var isEmpty: Bool {
    valid == 0 && invalid == 0 && failed.isEmpty && coerced.isEmpty
  }

  /// The rule that most records fail; of several the first by name. `nil` if all are valid.
  public var mostFrequentRule: String? {
    failed.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  public mutating func add(_ other: VerdictCounts) {
    guard !other.isEmpty else { return }
    valid += other.valid
    invalid += other.invalid
    oversized += other.oversized
    failed.merge(other.failed, uniquingKeysWith: +)
    coerced.merge(other.coerced, uniquingKeysWith: +)
  }

  /// What was counted since these were.
  public func since(_ earlier: VerdictCounts) -> VerdictCounts {
    VerdictCounts(
      valid: valid - earlier.valid, invalid: invalid - earlier.invalid,
      oversized: oversized - earlier.oversized, failed: Self.difference(failed, earlier.failed),
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
