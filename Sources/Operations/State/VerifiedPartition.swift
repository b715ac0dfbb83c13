import Console
import EventLog
import KafkaLog
import LMDBStore
import Pipeline
import StateStore
import Streams

/// A partition of a stateful stage's input, with the store that stands for it on this machine.
package struct VerifiedPartition: Sendable {
  let schema: StoreSchema
  package let partition: Int32
  /// `nil` where this machine has none.
  let store: StorePlace?

  var stage: String { schema.stage.name }
  var description: String { "\(stage)[\(partition)]" }

  /// All partitions that the topics have, and all stores there are.
  ///
  /// - Throws: `CommandFailure` when this machine has no store at all, or no stage has such a
  ///   partition.
  static func all(
    in storage: LMDBStorage, _ topology: Topology, _ log: KafkaLog, stage: StageDeclaration?,
    partition: Int32?
  ) throws -> [VerifiedPartition] {
    _ = try StorePlace.all(in: storage)
    var all: [VerifiedPartition] = []
    for stage in stage.map({ [$0] }) ?? Topology.product.filter(\.isStateful) {
      guard let schema = StoreSchema(stage) else { continue }
      let topic = topology[stage.inputs[0]]
      let asking = try log.makeConsumer(
        ConsumerConfiguration(topics: [topic], group: nil, clientID: "projectionist-verify"))
      defer { asking.close() }
      let count = try asking.partitionCount(of: topic)
      let stored = try storage.partitions(stage: stage.name)
      for number in Set(0..<count).union(stored).sorted()
      where partition.map({ $0 == number }) ?? true {
        let place = StorePlace(storage: storage, schema: schema, partition: number)
        all.append(
          VerifiedPartition(
            schema: schema, partition: number, store: stored.contains(number) ? place : nil))
      }
    }
    // Whoever asks for nothing that exists must not hear that all of it agrees.
    if all.isEmpty, let partition, try stage != nil || !isInput(partition, topology, log) {
      let asked = stage?.name ?? "any stage"
      throw CommandFailure(.usage, "there is no partition \(partition) of \(asked) to verify")
    }
    return all
  }

  /// Whether users' events have such a partition.
  private static func isInput(_ partition: Int32, _ topology: Topology, _ log: KafkaLog) throws
    -> Bool
  {
    let topic = topology[.userRatings]
    let asking = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: "projectionist-verify"))
    defer { asking.close() }
    return try partition < asking.partitionCount(of: topic)
  }
}
