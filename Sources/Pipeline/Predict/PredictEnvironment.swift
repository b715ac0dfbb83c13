public import Logging
public import Streams

/// What the predict stage is told, and the world's few other facts it needs.
public struct PredictEnvironment {
  /// Whose topics it reads, and to which of them no reply goes.
  public var topology: Topology
  /// How many complete models are kept for requests that name one; the promoted one and the
  /// shadow's are kept beside them.
  public var keptModels: Int
  /// The model that answers on `recommendations-shadow`; `nil` for none.
  public var shadowModel: String?
  public var monitor: PredictMonitor
  public var logger: Logger
  /// Monotonic time, for `latency_ms` and the age of the ranking.
  public var now: () -> ContinuousClock.Instant
  /// Milliseconds since 1970, for deadlines.
  public var time: () -> Int64
  /// Runs work that would hold requests up; by default at once, on the caller's thread.
  public var inBackground: (@escaping @Sendable () -> Void) -> Void

  public init(
    topology: Topology, keptModels: Int = 3, shadowModel: String? = nil, monitor: PredictMonitor,
    logger: Logger,
    now: @escaping () -> ContinuousClock.Instant, time: @escaping () -> Int64,
    inBackground: @escaping (@escaping @Sendable () -> Void) -> Void = { $0() }
  ) {
    self.topology = topology
    self.keptModels = keptModels
    self.shadowModel = shadowModel
    self.monitor = monitor
    self.logger = logger
    self.now = now
    self.time = time
    self.inBackground = inBackground
  }
}
