package import Configuration
package import EventLog
package import KafkaLog

/// How the topics of a cluster compare with their declarations.
package struct TopicReport: Sendable {
  package enum Status: Hashable, Sendable {
    case ok
    case missing
    /// What differs, one phrase each.
    case misconfigured([String])

    package var name: String {
      switch self {
      case .ok: "ok"
      case .missing: "missing"
      case .misconfigured: "misconfigured"
      }
    }

    package var details: [String] {
      if case .misconfigured(let details) = self { details } else { [] }
    }
  }

  /// In the catalog's order.
  package private(set) var entries: [(topic: DeclaredTopic, status: Status)]
  /// Whether the cluster tells its topics' properties; the embedded broker doesn't.
  let knowsProperties: Bool

  /// - Parameters:
  ///   - partitions: of every topic there is.
  ///   - properties: of the topics there are; `nil` when the cluster doesn't tell.
  package init(
    _ declared: [DeclaredTopic], partitions: [String: Int32],
    properties: [String: [String: String]]?
  ) {
    entries = declared.map { topic in
      let status =
        partitions[topic.name].map { count in
          Self.compare(topic, partitions: Int(count), properties: properties?[topic.name] ?? [:])
        } ?? .missing
      return (topic, status)
    }
    knowsProperties = properties != nil
  }

  /// Asks the cluster.
  package init(_ declared: [DeclaredTopic], admin: KafkaAdmin) throws(LogError) {
    let partitions = try admin.topics()
    let present = declared.map(\.name).filter { partitions[$0] != nil }
    let isEmbedded = try admin.cluster().isEmbedded
    self.init(
      declared, partitions: partitions,
      properties: isEmbedded ? nil : try admin.properties(of: present))
  }

  package var missing: [DeclaredTopic] {
    entries.filter { $0.status == .missing }.map(\.topic)
  }

  /// Takes these topics for present from now on.
  mutating func noteCreated(_ names: Set<String>) {
    for index in entries.indices where names.contains(entries[index].topic.name) {
      entries[index].status = .ok
    }
  }

  package var isOK: Bool { entries.allSatisfy { $0.status == .ok } }

  /// Properties that newer brokers know (Apache Kafka 3.6), and that a topic made before them or by
  /// an earlier version may lack.
  static let optionalProperties: Set<String> = ["message.timestamp.after.max.ms"]

  private static func compare(
    _ topic: DeclaredTopic, partitions: Int, properties: [String: String]
  ) -> Status {
    var details: [String] = []
    if partitions != topic.partitions && !topic.acceptsAnyPartitionCount {
      details.append("has \(partitions) partitions, not \(topic.partitions)")
    }
    for (name, wanted) in topic.config.sorted(by: { $0.key < $1.key })
    where !optionalProperties.contains(name) {
      guard let found = properties[name], found != wanted else { continue }
      details.append("\(name) is \(found), not \(wanted)")
    }
    return details.isEmpty ? .ok : .misconfigured(details)
  }
}

extension KafkaAdmin.Cluster {
  /// Whether this is `projectionist broker`, which answers no admin requests. librdkafka names its
  /// mock clusters like this (`rd_kafka_mock_cluster_new`).
  package var isEmbedded: Bool { id.hasPrefix("mockCluster") }
}
