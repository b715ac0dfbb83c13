import EventLog
import Foundation
import KafkaLog
import Synchronization

/// The place of the one trainer of an application: the first partition of `models`, in a consumer
/// group of the trainers' own. The broker gives it to one of them, and to the next when that one
/// has left or died.
///
/// A thread of its own keeps the membership alive while the trainer is busy for hours. Whoever was
/// paused for so long that the place has gone to another one notices before it writes; and if it
/// does not, its transactions fail, because the other one has begun one since (`ModelDecision`).
final class TrainerPlace: Sendable {
  enum Standing: Hashable {
    /// The group has not answered yet.
    case joining
    /// Another one has the place.
    case behindAnother
    case held
    case failed(LogError)
  }

  private let standing = Mutex(Standing.joining)
  private let isClosing = Atomic(false)
  private let hasEnded = Atomic(false)

  var current: Standing { standing.withLock { $0 } }

  /// Joins the group.
  ///
  /// - Parameter clientID: tells this trainer from others in the broker's list of members.
  init(_ log: KafkaLog, topic: String, group: String, clientID: String) {
    let thread = Thread { [self] in
      defer { hasEnded.store(true, ordering: .releasing) }
      while !isClosing.load(ordering: .acquiring) {
        do throws(LogError) { try hold(log, topic, group, clientID) } catch {
          standing.withLock { $0 = .failed(error) }
          Thread.sleep(forTimeInterval: 0.5)
        }
      }
    }
    thread.name = "trainer-place"
    thread.start()
  }

  /// Leaves the group, so that the next trainer need not wait.
  func leave(within limit: Duration) {
    isClosing.store(true, ordering: .releasing)
    let deadline = ContinuousClock.now + limit
    while !hasEnded.load(ordering: .acquiring), ContinuousClock.now < deadline {
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  private func hold(_ log: KafkaLog, _ topic: String, _ group: String, _ clientID: String)
    throws(LogError)
  {
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: group, clientID: clientID))
    defer { consumer.close() }
    standing.withLock { $0 = .joining }
    while !isClosing.load(ordering: .acquiring) {
      let result = try consumer.pollRuns(maxRecords: 1_000, timeout: .milliseconds(100)) { _ in
        true
      }
      switch result.rebalance {
      case .assigned(let partitions):
        // An empty assignment is an answer, too.
        try consumer.assign(partitions.map { ($0, .end) })
        let isIncluded = partitions.contains { $0.partition == 0 }
        standing.withLock { if $0 != .held { $0 = isIncluded ? .held : .behindAnother } }
      case .revoked(let partitions), .lost(let partitions):
        try consumer.unassign(partitions)
        if partitions.contains(where: { $0.partition == 0 }) {
          standing.withLock { $0 = .joining }
        }
      case nil: break
      }
    }
  }
}
