import EventLog
import Simulation

@testable import Streams

/// A second member of the group that takes its partitions and reads nothing.
final class GroupMember: Sendable {
  private let log: MemoryLog
  private let consumer = OneThread<MemoryConsumer?>(nil)

  init(_ world: World) {
    log = world.log.connected(SimulatedProcess("other"))
  }

  func join() {
    consumer.value = try? log.makeConsumer(
      ConsumerConfiguration(topics: [World.input], group: "app-count", clientID: "other"))
    _ = try? consumer.value?.poll(maxRecords: 1, timeout: .zero) { _ in false }
  }

  func leave() {
    consumer.value?.close()
    consumer.value = nil
  }

  /// Those that it gets now, with the ones it had.
  func takePartitions() -> [TopicPartition] {
    let result = try? consumer.value?.poll(maxRecords: 1, timeout: .zero) { _ in false }
    guard case .assigned(let partitions)? = result?.rebalance else { return [] }
    try? consumer.value?.assign(partitions.map { ($0, .end) })
    return partitions
  }
}
