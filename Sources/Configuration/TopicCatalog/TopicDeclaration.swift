import Foundation

/// A topic as `topics/<file>.json` declares it.
package struct TopicDeclaration: Decodable, Hashable, Sendable {
  enum Partitions: Hashable, Sendable {
    /// As many as `topics.partitions` says.
    case perUser
    /// As many as `topics.movie_partitions` says.
    case perMovie
    case fixed(Int)
  }

  /// `<app>` stands for the application's name.
  let name: String
  let description: String
  let writtenBy: String
  /// How many partitions the topic is created with.
  let partitions: Partitions
  /// Whether any other number of partitions is as good.
  let acceptsAnyPartitionCount: Bool
  /// Topic properties by Kafka's names.
  let config: [String: String]

  private enum Key: String, CodingKey {
    case name
    case description
    case writtenBy = "written_by"
    case partitions
    case acceptsAnyPartitionCount = "any_partition_count"
    case config
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    name = try values.decode(String.self, forKey: .name)
    description = try values.decode(String.self, forKey: .description)
    writtenBy = try values.decode(String.self, forKey: .writtenBy)
    if let count = try? values.decode(Int.self, forKey: .partitions) {
      partitions = .fixed(count)
    } else {
      switch try values.decode(String.self, forKey: .partitions) {
      case "topics.partitions": partitions = .perUser
      case "topics.movie_partitions": partitions = .perMovie
      default:
        throw DecodingError.dataCorruptedError(
          forKey: .partitions, in: values, debugDescription: "neither a number nor a setting")
      }
    }
    acceptsAnyPartitionCount =
      try values.decodeIfPresent(Bool.self, forKey: .acceptsAnyPartitionCount) ?? false
    config = try values.decode([String: String].self, forKey: .config)
  }
}

/// A topic as one application with its settings wants it.
package struct DeclaredTopic: Hashable, Sendable {
  package let name: String
  package let description: String
  package let writtenBy: String
  package let partitions: Int
  package let acceptsAnyPartitionCount: Bool
  package let replicationFactor: Int
  package let config: [String: String]

  package init(_ declaration: TopicDeclaration, settings: Settings) {
    name = declaration.name.replacing("<app>", with: settings.application)
    description = declaration.description
    writtenBy = declaration.writtenBy
    partitions =
      switch declaration.partitions {
      case .perUser: settings.topics.partitions
      case .perMovie: settings.topics.moviePartitions
      case .fixed(let count): count
      }
    acceptsAnyPartitionCount = declaration.acceptsAnyPartitionCount
    replicationFactor = settings.topics.replicationFactor
    config = declaration.config
  }

  package var policy: String { config["cleanup.policy"] ?? "delete" }
}
