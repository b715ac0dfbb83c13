import Synchronization

/// A monotonic clock that is advanced by hand.
public final class SimulatedClock: Sendable {
  private let start = ContinuousClock.now
  private let elapsed = Mutex(Duration.zero)

  public init() {}

  public var now: ContinuousClock.Instant { start + elapsed.withLock { $0 } }

  /// Since the beginning.
  public var passed: Duration { elapsed.withLock { $0 } }

  public func advance(by duration: Duration) {
    elapsed.withLock { $0 += duration }
  }
}
