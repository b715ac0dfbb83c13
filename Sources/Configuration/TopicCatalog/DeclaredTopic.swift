import Pipeline
package import Streams

/// What `topics/<name>.json` says about a topic, besides the schemas of its key and value.
package struct TopicFile: Decodable, Hashable, Sendable {
  package let description: String
  /// Topic properties by Kafka's names.
  package let config: [String: String]
}

/// A topic as one application with its settings wants it.
package struct DeclaredTopic: Hashable, Sendable {
  package let declaration: TopicDeclaration
  /// On the cluster.
  package let name: String
  package let description: String
  package let writtenBy: String
  /// How many partitions the topic is created with.
  package private(set) var partitions: Int
  package let replicationFactor: Int
  package let config: [String: String]

  /// Whether any other number of partitions is as good.
  package var acceptsAnyPartitionCount: Bool { declaration.acceptsAnyPartitionCount }
  package var policy: String { config["cleanup.policy"] ?? "delete" }

  init(_ declaration: TopicDeclaration, _ file: TopicFile, settings: Settings) {
    let topology = settings.topology
    self.declaration = declaration
    name = topology[declaration]
    description = file.description
    writtenBy = topology.writtenBy(declaration)
    partitions = settings.partitionCount(of: declaration)
    replicationFactor = settings.topics.replicationFactor
    config = file.config
  }

  /// The same topic, with as many partitions as are used.
  package func bound(to counts: PartitionCounts) -> DeclaredTopic {
    var topic = self
    if let count = counts.count(of: declaration) { topic.partitions = Int(count) }
    return topic
  }

  /// The declaration with its file's schemas, as JSON.
  package func text(_ file: [UInt8]) -> String {
    var lines = [
      "{", #"  "name": "\#(name)","#, #"  "written_by": "\#(writtenBy)","#,
      #"  "partitions": \#(partitions),"#,
    ]
    if acceptsAnyPartitionCount { lines.append(#"  "any_partition_count": true,"#) }
    return lines.joined(separator: "\n") + String(decoding: file, as: UTF8.self).dropFirst()
  }
}

extension Settings {
  /// How many partitions the configuration gives to each group of topics.
  package var partitionCounts: PartitionCounts {
    var counts = PartitionCounts()
    for topic in topology.topics {
      guard case .group(let key) = topic.partitions else { continue }
      counts.byGroup[key] = Int32(clamping: partitionCount(of: topic))
    }
    return counts
  }

  /// How many partitions a topic is created with. A group of topics has the name of the setting
  /// that counts its partitions.
  package func partitionCount(of topic: TopicDeclaration) -> Int {
    switch topic.partitions {
    case .fixed(let count): return count
    case .group(let key):
      guard case .text(let text)? = SettingKey.byPath[key]?.read(self), let count = Int(text) else {
        preconditionFailure("no setting counts the partitions of \(topic.name)")
      }
      return count
    }
  }
}

extension Topology {
  /// Who writes a topic, in words.
  package func writtenBy(_ topic: TopicDeclaration) -> String {
    let stages = writers(of: topic).map { stage in
      let note = stage.outputs.first { $0.topic == topic }?.note
      return stage.name + (note.map { " (\($0))" } ?? "")
    }
    return (topic.outsideWriters + stages).joined(separator: ", ")
  }
}
