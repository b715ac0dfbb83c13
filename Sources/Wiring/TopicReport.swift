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
    /// One that the stages can live with, and what follows from it.
    case excused(String, String)

    package var description: String {
      switch self {
      case .partitions(let found, let wanted): "has \(found) partitions, not \(wanted)"
      case .property(let name, let found, let wanted): "\(name) is \(found), not \(wanted)"
      case .excused(let difference, let excuse): "\(difference): \(excuse)"
      }
    }
  }

  package enum Status: Hashable, Sendable {
    case ok
    /// It has more partitions than are used, and all else is as declared.
    case grown
    /// Some properties are others, and the stages can live with it.
    case tolerable([Difference])
    case missing
    case misconfigured([Difference])
    /// The broker made it by itself, with the broker's defaults, when somebody named it.
    case selfMade([Difference])

    /// Whether the stages can run on the topic.
    package var isUsable: Bool {
      switch self {
      case .ok, .grown, .tolerable: true
      case .missing, .misconfigured, .selfMade: false
      }
    }

    package var name: String {
      switch self {
      case .ok: "ok"
      case .grown: "grown"
      case .tolerable: "ok"
      case .missing: "missing"
      case .misconfigured: "misconfigured"
      case .selfMade: "made by the broker"
      }
    }

    package var differences: [Difference] {
      switch self {
      case .misconfigured(let differences), .selfMade(let differences): differences
      case .ok, .grown, .tolerable, .missing: []
      }
    }
  }

  package struct Entry: Sendable {
    package let topic: DeclaredTopic
    package internal(set) var status: Status
    /// How many partitions it has; 0 for a missing one.
    package let partitions: Int
    /// At the broker; `nil` when it doesn't tell, or has no such topic.
    package let properties: KafkaAdmin.TopicProperties?

    /// The largest batch of records that it takes, with one record at least; `nil` if not known.
    package var maxMessageBytes: Int? {
      properties?.values["max.message.bytes"].flatMap { Int($0) }
    }
    /// Whether every record would be refused.
    ///
    /// - Parameter copies: how many each topic's partitions have.
    package func cannotBeWritten(_ copies: [String: Int]) -> Bool {
      guard let least = properties?.values["min.insync.replicas"].flatMap({ Int($0) }),
        let count = copies[topic.name], count > 0
      else { return false }
      return count < least
    }
    /// Whether it has fewer copies than are configured.
    ///
    /// - Parameter copies: how many each topic's partitions have.
    package func hasFewerCopies(_ copies: [String: Int]) -> Bool {
      copies[topic.name].map { $0 > 0 && $0 < topic.replicationFactor } ?? false
    }
    /// Which record times it takes.
    package var times: TimestampLimits {
      properties.map { TimestampLimits($0.values) } ?? .none
    }

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
  package let tools: KafkaTools

  /// - Parameters:
  ///   - counts: how many partitions each group of topics uses; as declared where it says nothing.
  ///   - partitions: of every topic there is.
  ///   - properties: of the topics there are; `nil` when the cluster doesn't tell.
  package init(
    _ declared: [DeclaredTopic], configured: PartitionCounts = PartitionCounts(),
    counts: PartitionCounts = PartitionCounts(), partitions: [String: Int32],
    properties: [String: KafkaAdmin.TopicProperties]?, tools: KafkaTools = KafkaTools("BROKER"),
    acceptsRetention: Bool = false
  ) {
    let tolerance = TopicTolerance(acceptsRetention: acceptsRetention)
    self.configured = configured
    self.counts = counts
    self.tools = tools
    entries = declared.map { topic in
      let topic = topic.bound(to: counts)
      guard let found = partitions[topic.name].map(Int.init) else {
        return Entry(topic: topic, status: .missing, partitions: 0, properties: nil)
      }
      let properties = properties?[topic.name]
      let status = Self.compare(topic, found, properties, tolerance)
      return Entry(topic: topic, status: status, partitions: found, properties: properties)
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

  /// Which record times the topics accept, by name.
  package var times: [String: TimestampLimits] {
    entries.reduce(into: [:]) { $0[$1.topic.name] = $1.times }
  }

  /// How many partitions a topic has.
  package func found(_ topic: TopicDeclaration) -> Int32 {
    Int32(clamping: entry(topic)?.partitions ?? 0)
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
  package var isOK: Bool {
    entries.allSatisfy(\.status.isUsable)
  }

  package func entry(_ topic: TopicDeclaration) -> Entry? {
    entries.first { $0.topic.declaration == topic }
  }

  /// Properties that newer brokers know (Apache Kafka 3.6), and that a topic made before them or by
  /// an earlier version may lack.
  static let optionalProperties: Set<String> = ["message.timestamp.after.max.ms"]

  private static func compare(
    _ topic: DeclaredTopic, _ partitions: Int, _ properties: KafkaAdmin.TopicProperties?,
    _ tolerance: TopicTolerance
  ) -> Status {
    var differences: [Difference] = []
    var tolerable: [Difference] = []
    let takesAny = topic.acceptsAnyPartitionCount
    if partitions < topic.partitions, !takesAny {
      differences.append(.partitions(found: partitions, wanted: topic.partitions))
    }
    for (name, wanted) in wantedProperties(of: topic) {
      guard let found = properties?.values[name], found != wanted else { continue }
      let difference = Difference.property(name, found: found, wanted: wanted)
      if let excuse = tolerance.excuse(name, found: found, wanted: wanted) {
        if topic.config[name] != nil { tolerable.append(.excused(difference.description, excuse)) }
      } else {
        differences.append(difference)
      }
    }
    guard differences.isEmpty else {
      // `topics apply` gives each topic some properties of its own.
      let isSelfMade = properties?.own.isEmpty == true && !topic.config.isEmpty
      return isSelfMade ? .selfMade(differences) : .misconfigured(differences)
    }
    if partitions > topic.partitions && !takesAny { return .grown }
    return tolerable.isEmpty ? .ok : .tolerable(tolerable)
  }

  /// What is compared: what the declaration says, and a size that no topic may go below.
  private static func wantedProperties(of topic: DeclaredTopic) -> [(String, String)] {
    var wanted = topic.config.filter { !optionalProperties.contains($0.key) }
    let size = "max.message.bytes"
    if wanted[size] == nil, topic.declaration.outsideWriters.isEmpty {
      wanted[size] = "\(TopicTolerance.leastMessageBytes)"
    }
    return wanted.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

extension KafkaAdmin.Cluster {
  /// Whether this is `projectionist broker`, which answers no admin requests. librdkafka names its
  /// mock clusters like this (`rd_kafka_mock_cluster_new`).
  package var isEmbedded: Bool { id.hasPrefix("mockCluster") }
}
