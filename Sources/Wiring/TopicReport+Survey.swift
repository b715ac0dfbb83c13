package import Configuration
import Console
package import EventLog
package import KafkaLog
package import Logging
import Pipeline
package import Streams

extension TopicReport {
  /// Asks the cluster for the topics, and the log how many of their partitions are used.
  package init(_ settings: Settings, _ admin: KafkaAdmin, _ logger: Logger) throws {
    let declared = try TopicCatalog.topics(settings)
    let partitions = try admin.topics()
    let configured = settings.partitionCounts
    let isEmbedded = try admin.cluster().isEmbedded
    // One that this client may not describe is not shown, and is not missing.
    for topic in declared where partitions[topic.name] == nil && !isEmbedded {
      do throws(LogError) { _ = try admin.partitionCount(of: topic.name) } catch {
        guard error.code != .denied else { throw error }
      }
    }
    let present = declared.map(\.name).filter { partitions[$0] != nil }
    self.init(
      declared, configured: configured,
      // The embedded broker forgets everything, and its topics can't grow.
      counts: isEmbedded ? configured : try settings.usedCounts(partitions, admin, logger),
      partitions: partitions, properties: isEmbedded ? nil : try admin.properties(of: present),
      tools: settings.kafkaSettings.tools,
      acceptsRetention: settings.topics.acceptsRetention)
  }
}

extension Settings {
  /// How many partitions each group of topics uses: as their claim says, and where it says nothing
  /// as their keys were placed.
  package func usedCounts(_ admin: KafkaAdmin, _ logger: Logger) throws -> PartitionCounts {
    try usedCounts(try admin.topics(), admin, logger)
  }

  /// - Parameter partitions: of every topic there is.
  fileprivate func usedCounts(
    _ partitions: [String: Int32], _ admin: KafkaAdmin, _ logger: Logger
  ) throws -> PartitionCounts {
    if partitions[topology[.control]] != nil,
      let claim = try TopicOwners(self, logger).owner(), !claim.counts.byGroup.isEmpty
    {
      return PartitionCounts(partitionCounts.byGroup.merging(claim.counts.byGroup) { $1 })
    }
    return try placedCounts(partitions, admin, logger)
  }

  /// By how many partitions the keys in the log were placed; as configured where there are none.
  ///
  /// - Parameter partitions: of every topic there is.
  package func placedCounts(
    _ partitions: [String: Int32], _ admin: KafkaAdmin, _ logger: Logger
  ) throws(LogError) -> PartitionCounts {
    let configured = partitionCounts
    let names = configured.byGroup.keys.flatMap {
      PlacementSurvey<KafkaLog>.topics(of: topology, in: $0).map { topology[$0] }
    }
    let all = names.flatMap { name in
      (0..<(partitions[name] ?? 0)).map { TopicPartition(name, $0) }
    }
    let survey = PlacementSurvey(
      makeQuietLog(logger), topology, clientID: "projectionist-survey")
    return try survey.counts(wanted: configured, held: try admin.offsets(of: all))
  }
}
