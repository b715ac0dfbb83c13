public import Logging
public import Streams

/// The predict stage's settings, and its access to clocks, logging and background work.
public struct PredictEnvironment {
  /// The topics it reads and writes, none of which but the default takes replies.
  public var topology: Topology
  /// How many complete models are kept for requests that name one, besides the promoted one and the
  /// shadow.
  public var keptModels: Int
  /// The version of the model that answers on `recommendations-shadow`; `nil` for none.
  public var shadowModel: String?
  /// Whether only movies of the catalog are recommended, as long as it has any.
  public var requiresCatalog: Bool
  /// How long after its record's time a request is answered.
  public var maxAge: Duration
  /// How many percent other genres count in a personal list; 0 for not at all.
  public var diversityPercent = 0
  public var monitor: PredictMonitor
  /// Receives the records of `movies` that are skipped.
  public var catalogFaults = CatalogFaults()
  public var logger: Logger
  /// Monotonic time, for `latency_ms` and the age of the ranking.
  public var now: () -> ContinuousClock.Instant
  /// Milliseconds since 1970, for deadlines and ages.
  public var time: () -> Int64
  /// Runs work that would delay requests; by default at once, on the caller's thread.
  public var inBackground: (@escaping @Sendable () -> Void) -> Void

  public init(
    topology: Topology, keptModels: Int = 3, shadowModel: String? = nil,
    requiresCatalog: Bool = false, maxAge: Duration = .seconds(60), monitor: PredictMonitor,
    logger: Logger,
    now: @escaping () -> ContinuousClock.Instant, time: @escaping () -> Int64,
    inBackground: @escaping (@escaping @Sendable () -> Void) -> Void = { $0() }
  ) {
    self.topology = topology
    self.keptModels = keptModels
    self.shadowModel = shadowModel
    self.requiresCatalog = requiresCatalog
    self.maxAge = maxAge
    self.monitor = monitor
    self.logger = logger
    self.now = now
    self.time = time
    self.inBackground = inBackground
  }
}
