public import Metrics
public import Streams
import Synchronization

/// The engine's events as metrics: a sink that adds them up, and what they add up to.
public final class EngineMetrics: Sendable {
  /// All families, in the order in which they are written.
  public static let families = EngineCounters.families + EngineGauges.families

  private let fold = Mutex(EventFold())
  private let time: @Sendable () -> Int64

  /// - Parameter time: milliseconds since 1970.
  public init(time: @escaping @Sendable () -> Int64) {
    self.time = time
  }

  /// Takes the events of all stages.
  public var sink: EventSink {
    EventSink { [self] event in
      let now = time()
      fold.withLock { $0.apply(event, at: now) }
    }
  }

  /// What was counted so far, and how things are now.
  public func collect() -> [MetricStore] {
    let now = time()
    let fold = self.fold.withLock { $0 }
    return [fold.counters, fold.gauges(at: now)]
  }
}
