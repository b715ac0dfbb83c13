import Foundation
import Synchronization

/// Follows a daemon's events in a thread: connects once the daemon serves them, and again whenever
/// the connection ends.
public final class EventFollower: Sendable {
  /// Pauses between attempts to connect. They are short while a daemon may be starting, so that
  /// the follower is there before the first stage does anything.
  private static let shortPause = 0.002
  private static let longPause = 0.05
  private static let startupTime = Duration.seconds(5)
  /// How long the thread may go on after `stop`.
  private static let patience = Duration.milliseconds(500)

  private let path: String
  private let includesBatches: Bool
  private let isStopped = Mutex(false)
  private let receive: @Sendable (EventMessage) -> Void

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - path: of the daemon's socket, which needn't exist yet.
  ///   - includesBatches: whether to hand over events that come with each batch. They are most of
  ///     the stream.
  ///   - receive: takes each message in the follower's thread: a snapshot whenever it connects, and
  ///     then each event.
  public init(
    path: String, includesBatches: Bool = true,
    receive: @escaping @Sendable (EventMessage) -> Void
  ) {
    self.path = path
    self.includesBatches = includesBatches
    self.receive = receive
    let thread = Thread { [self] in run() }
    thread.name = "follower"
    thread.start()
  }

  /// Ends the thread, without waiting for it: a call of `receive` may still be under way.
  public func stop() {
    isStopped.withLock { $0 = true }
  }

  private func run() {
    var lastSeen = ContinuousClock.now
    while !isStopped.withLock(\.self) {
      do throws(EventStreamError) {
        let client = try EventClient(path: path, includesBatches: includesBatches)
        defer { lastSeen = .now }
        try follow(client)
      } catch {
        // It does not serve yet, or no more.
        let isStarting = .now - lastSeen < Self.startupTime
        Thread.sleep(forTimeInterval: isStarting ? Self.shortPause : Self.longPause)
      }
    }
  }

  private func follow(_ client: consuming EventClient) throws(EventStreamError) {
    while true {
      let message = try client.next(until: .now + Self.patience)
      if isStopped.withLock(\.self) { return }
      if let message { receive(message) }
    }
  }
}
