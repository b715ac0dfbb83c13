package import Configuration
package import EventLog
import Foundation
package import KafkaLog
package import Logging
package import Pipeline
package import Streams

/// The claim on the topics that the settings name.
package struct TopicOwners: Sendable {
  private static let clientID = "projectionist-claim"

  private let settings: Settings
  private let log: KafkaLog

  /// - Parameters:
  ///   - isStopping: whether the process is to stop.
  ///   - whenSlow: called again and again while a claim waits for transactions to start.
  package init(
    _ settings: Settings, _ logger: Logger, isStopping: (@Sendable () -> Bool)? = nil,
    whenSlow: (@Sendable () -> Void)? = nil
  ) {
    self.settings = settings
    log = settings.makeShortTransactionLog(
      logger, isStopping: isStopping, whenSlow: whenSlow)
  }

  private var ownership: TopicOwnership<KafkaLog> {
    TopicOwnership(log, topology: settings.topology, clientID: Self.clientID)
  }

  /// Whose the topics are; `nil` for nobody's.
  package func owner() throws(StageError) -> TopicClaim? { try ownership.owner() }

  /// Throws `topics_owned` when the topics belong to another application. Before the control topic
  /// is there, they are nobody's.
  ///
  /// - Parameter topics: those on the cluster.
  package func check(_ topics: [String: Int32]) throws(StageError) {
    guard topics[settings.topology[.control]] != nil else { return }
    try ownership.check(settings.application)
  }

  /// Makes sure that the topics belong to the application.
  ///
  /// - Parameters:
  ///   - instance: that claims; empty for a command.
  ///   - counts: how many partitions are used, unless the claim in force says that.
  ///   - takesOver: whether to claim them even if they belong to another.
  ///   - recounts: whether the counts take the place of those in force.
  ///   - stop: ends the wait for others.
  /// - Throws: `topics_owned` when they belong to another application.
  package func claim(
    instance: String, counts: PartitionCounts, takesOver: Bool = false, recounts: Bool = false,
    stop: StopSignal? = nil
  ) throws(StageError) -> TopicOwnership<KafkaLog>.Outcome {
    let claim = TopicClaim(
      application: settings.application, instance: instance,
      claimedMilliseconds: Int64(Date().timeIntervalSince1970 * 1000), counts: counts)
    return try ownership.claim(claim, takesOver: takesOver, recounts: recounts) {
      pause throws(StageError) in
      if stop?.isStopped == true { throw .stopped }
      Thread.sleep(forTimeInterval: pause / .seconds(1))
    }
  }

  /// Other applications that have groups with positions on these topics: versions without claims
  /// let several work on the same.
  package func others(_ admin: KafkaAdmin) throws(LogError) -> [String] {
    let topology = settings.topology
    let inputs = topology.stages.flatMap(topology.inputs(of:))
    let counts = try admin.topics()
    let partitions = inputs.flatMap { topic in
      (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
    }
    var found: Set<String> = []
    for group in try admin.groups() {
      guard let application = topology.application(ofGroup: group),
        application != settings.application, !found.contains(application)
      else { continue }
      if try !admin.committed(group: group, of: partitions).isEmpty { found.insert(application) }
    }
    return found.sorted()
  }
}
