import Synchronization

/// A value that follows a daemon's messages in a thread, from before the daemon serves them.
public final class FollowedValue<Value: Sendable>: Sendable {
  private final class Memory: Sendable {
    let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }
  }

  private let memory: Memory
  private let follower: EventFollower

  /// Starts the thread. Events that come with each batch are left out.
  ///
  /// - Parameters:
  ///   - path: of the daemon's socket, which needn't exist yet.
  ///   - receive: takes each message into the value.
  public init(
    path: String, _ initial: Value,
    receive: @escaping @Sendable (inout Value, EventMessage) -> Void
  ) {
    let memory = Memory(initial)
    self.memory = memory
    follower = EventFollower(path: path, includesBatches: false) { message in
      memory.value.withLock { receive(&$0, message) }
    }
  }

  /// So far.
  public var value: Value { memory.value.withLock(\.self) }

  /// Ends the thread, without waiting for it.
  public func stop() { follower.stop() }
}
