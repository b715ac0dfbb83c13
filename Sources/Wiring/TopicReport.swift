package import Configuration
package import EventLog
package import KafkaLog
package import Streams

/// How the topics of a cluster compare with their declarations.
package struct TopicReport: Sendable {
  /// What is not as declared.
  package enum Difference: Hashable, Sendable, CustomStringConvertible {
    case partitions(found: Int, wanted: Int)
    case property(String, found: String, wanted: String)

    package var description: String {
      switch self {
      case .partitions(let found, let wanted): "has \(found) partitions, not \(wanted)"
      case .property(let name, let found, let wanted): "\(name) is \(found), not \(wanted)"
      }
    }
  }

  package enum Status: Hashable, Sendable {
    case ok
    /// It has more partitions than are used, and all else is as declared.
    case grown
    case missing
    case misconfigured([Difference])
    /// The broker made it by itself, with the broker's defaults, when somebody named it.
    case selfMade([Difference])

    package var name: String {
      switch self {
      case .ok: "ok"
      case .grown: "grown"
      case .missing: "missing"
      case .misconfigured: "misconfigured"
      case .selfMade: "made by the broker"
      }
    }

    package var differences: [Difference] {
      switch self {
      case .misconfigured(let differences), .selfMade(let differences): differences
      case .ok, .grown, .missing: []
      }
    }
  }

  package struct Entry: Sendable {
    package let topic: DeclaredTopic
    package internal(set) var status: Status
    /// How many partitions it has; 0 for a missing one.
    package let partitions: Int

    /// Whether partitions were added that are not used.
    var isGrown: Bool {
      status != .missing && !topic.acceptsAnyPartitionCount && partitions > topic.partitions
    }
  }

  /// In the catalog's order.
  package private(set) var entries: [Entry]
  /// How many partitions each group of topics uses, as the log shows.
  package let counts: PartitionCounts
  /// How many the configuration says.
  let configured: PartitionCounts
  /// Whether the cluster tells its topics' properties; the embedded broker doesn't.
  let knowsProperties: Bool
  /// For the commands that mend what is wrong.
  package let bootstrapServers: String

  /// - Parameters:
  ///   - counts: how many partitions each group of topics uses; as declared where it says nothing.
  ///   - partitions: of every topic there is.
  ///   - properties: of the topics there are; `nil` when the cluster doesn't tell.
  package init(
    _ declared: [DeclaredTopic], configured: PartitionCounts = PartitionCounts(),
    counts: PartitionCounts = PartitionCounts(), partitions: [String: Int32],
    properties: [String: KafkaAdmin.TopicProperties]?, bootstrapServers: String = "BROKER"
  ) {
    self.configured = configured
    self.counts = counts
    self.bootstrapServers = bootstrapServers
    entries = declared.map { topic in
      let topic = topic.bound(to: counts)
      guard let found = partitions[topic.name].map(Int.init) else {
        return Entry(topic: topic, status: .missing, partitions: 0)
      }
      let status = Self.compare(topic, found, properties?[topic.name])
      return Entry(topic: topic, status: status, partitions: found)
    }
    knowsProperties = properties != nil
  }

  /// Asks the cluster, and takes the partitions that are declared for those that are used.
  package init(_ declared: [DeclaredTopic], admin: KafkaAdmin) throws(LogError) {
    let partitions = try admin.topics()
    let present = declared.map(\.name).filter { partitions[$0] != nil }
    let isEmbedded = try admin.cluster().isEmbedded
    self.init(
      declared, partitions: partitions,
      properties: isEmbedded ? nil : try admin.properties(of: present))
  }

  /// How many partitions a topic has.
  package func found(_ topic: TopicDeclaration) -> Int32 {
    Int32(clamping: entries.first { $0.topic.declaration == topic }?.partitions ?? 0)
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

  /// Whether the stages can run on these topics.
  package var isOK: Bool { entries.allSatisfy { $0.status == .ok || $0.status == .grown } }

  /// Properties that newer brokers know (Apache Kafka 3.6), and that a topic made before them or by
  /// an earlier version may lack.
  static let optionalProperties: Set<String> = ["message.timestamp.after.max.ms"]

  private static func compare(
    _ topic: DeclaredTopic, _ partitions: Int, _ properties: KafkaAdmin.TopicProperties?
  ) -> Status {
    var differences: [Difference] = []
    let takesAny = topic.acceptsAnyPartitionCount
    if partitions < topic.partitions, !takesAny {
      differences.append(.partitions(found: partitions, wanted: topic.partitions))
    }
    for (name, wanted) in topic.config.sorted(by: { $0.key < $1.key })
    where !optionalProperties.contains(name) {
      guard let found = properties?.values[name], found != wanted else { continue }
      differences.append(.property(name, found: found, wanted: wanted))
    }
    guard differences.isEmpty else {
      // `topics apply` gives each topic some properties of its own.
      let isSelfMade = properties?.own.isEmpty == true && !topic.config.isEmpty
      return isSelfMade ? .selfMade(differences) : .misconfigured(differences)
    }
    return partitions > topic.partitions && !takesAny ? .grown : .ok
  }
}

extension KafkaAdmin.Cluster {
  /// Whether this is `projectionist broker`, which answers no admin requests. librdkafka names its
  /// mock clusters like this (`rd_kafka_mock_cluster_new`).
  package var isEmbedded: Bool { id.hasPrefix("mockCluster") }
}
