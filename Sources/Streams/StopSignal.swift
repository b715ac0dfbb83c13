import Synchronization

/// Tells stages to finish their batch and leave. Set once, from any thread.
public final class StopSignal: Sendable {
  private let isSet = Atomic(false)

  public init() {}

  public func stop() { isSet.store(true, ordering: .releasing) }
  public var isStopped: Bool { isSet.load(ordering: .acquiring) }
}
