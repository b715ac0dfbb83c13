import Configuration
import Console
import Foundation
package import KafkaLog

extension TopicReport {
  /// Creates the topics that are missing and notes them as they are now.
  ///
  /// - Parameter look: called again and again while the cluster makes them; ends the wait by
  ///   throwing.
  package mutating func createMissing(_ admin: KafkaAdmin, look: () throws -> Void = {}) throws {
    guard !missing.isEmpty else { return }
    guard knowsProperties else {
      throw CommandFailure(
        .topicsDiffer,
        "the embedded broker makes its topics itself, when it starts: start it again with the same"
          + " configuration as this command")
    }
    var results = try admin.create(missing.map { Self.request($0, $0.config) })
    // A broker that does not know an optional property refuses the topic.
    let refused = missing.compactMap { topic -> KafkaAdmin.NewTopic? in
      guard case .failed? = results[topic.name] else { return nil }
      let known = topic.config.filter { !Self.optionalProperties.contains($0.key) }
      return known.count < topic.config.count ? Self.request(topic, known) : nil
    }
    if !refused.isEmpty { results.merge(try admin.create(refused)) { $1 } }
    for case (let name, .failed(let error)) in results.sorted(by: { $0.key < $1.key }) {
      throw CommandFailure(ExitStatus(of: error), "topic \(name) can't be created: \(error)")
    }
    try Self.awaitVisible(Set(results.keys), admin, look)
    noteCreated(Set(results.keys))
  }

  private static func request(_ topic: DeclaredTopic, _ properties: [String: String])
    -> KafkaAdmin.NewTopic
  {
    KafkaAdmin.NewTopic(
      topic.name, partitions: Int32(clamping: topic.partitions),
      replicationFactor: Int16(clamping: topic.replicationFactor), properties: properties)
  }

  /// Brokers learn of a new topic a moment after it is made; whoever produces to it at once would
  /// be told that there is none.
  private static func awaitVisible(
    _ names: Set<String>, _ admin: KafkaAdmin, _ look: () throws -> Void
  ) throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !names.isSubset(of: try admin.topics().keys) {
      guard ContinuousClock.now < deadline else {
        throw CommandFailure(
          .unavailable, "the cluster has made topics but does not show them after 10 s: try again")
      }
      try look()
      Thread.sleep(forTimeInterval: 0.05)
    }
  }
}
