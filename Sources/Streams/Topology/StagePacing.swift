/// How a stage paces itself, so that latency goes to what somebody waits for: when its batches
/// close, how long the broker gathers what it fetches, and who yields under CPU pressure.
public struct StagePacing: Hashable, Sendable {
  /// A value that depends on the guarantee.
  public struct ByGuarantee<Value: Hashable & Sendable>: Hashable, Sendable {
    public var exactlyOnce: Value
    public var atLeastOnce: Value

    public init(exactlyOnce: Value, atLeastOnce: Value) {
      self.exactlyOnce = exactlyOnce
      self.atLeastOnce = atLeastOnce
    }

    /// The same under both.
    public static func always(_ value: Value) -> ByGuarantee {
      ByGuarantee(exactlyOnce: value, atLeastOnce: value)
    }

    public func value(under guarantee: ProcessingGuarantee) -> Value {
      switch guarantee {
      case .exactlyOnce: exactlyOnce
      case .atLeastOnce: atLeastOnce
      }
    }
  }

  /// The least that a small batch lingers; the configured limit where that is longer.
  public var linger: ByGuarantee<Duration>
  /// How long the broker may gather records before it answers a fetch; `nil` for a stage that wants
  /// each at once. An answer costs the broker as much as the request for it, whatever it brings.
  public var gathering: ByGuarantee<Duration?>
  /// How many times as large as others its batches may get.
  public var stretch: Int
  /// How much nicer than the process the stage's threads are. Where two threads want a processor,
  /// one that is 5 nicer gets a quarter of it.
  public var niceness: Int32
  /// Whether the stage answers requests. Their batches have a limit of their own.
  public var answersRequests: Bool

  public init(
    linger: ByGuarantee<Duration> = .always(.zero),
    gathering: ByGuarantee<Duration?> = .always(nil),
    stretch: Int = 1, niceness: Int32 = 0, answersRequests: Bool = false
  ) {
    self.linger = linger
    self.gathering = gathering
    self.stretch = stretch
    self.niceness = niceness
    self.answersRequests = answersRequests
  }

  /// When the stage's batches close.
  public func limits(_ settings: StageSettings, under guarantee: ProcessingGuarantee) -> BatchLimits
  {
    var limits = stretch == 1 ? settings.limits : settings.limits.stretched(by: stretch)
    limits.linger = max(limits.linger, linger.value(under: guarantee))
    if answersRequests { limits.records = settings.requestsPerBatch ?? limits.records }
    return limits
  }
}

/// What a deployment decides about its stages.
public struct StageSettings: Hashable, Sendable {
  /// Of the stages that don't declare their own.
  public var guarantee: ProcessingGuarantee
  public var limits: BatchLimits
  /// The most requests in a batch of a stage that answers them; `nil` leaves it to `limits`.
  public var requestsPerBatch: Int?
  /// See `StageConfiguration.leavesOnStop`.
  public var leavesOnStop: Bool

  public init(
    guarantee: ProcessingGuarantee = .exactlyOnce, limits: BatchLimits = BatchLimits(),
    requestsPerBatch: Int? = nil, leavesOnStop: Bool = false
  ) {
    self.guarantee = guarantee
    self.limits = limits
    self.requestsPerBatch = requestsPerBatch
    self.leavesOnStop = leavesOnStop
  }
}
