package import Configuration
import Console
import EventLog
import KafkaLog
package import Logging
package import Pipeline
import Streams
import Wiring

/// The settings each partition's events are judged by, as the control topic has them.
package struct RecordedPolicies {
  /// Of the intake stage that judges by them.
  package let group: String
  /// By partition of `user-ratings`; those without an entry are left out.
  package private(set) var schedules: [(partition: Int32, schedule: PolicySchedule)] = []

  package init(_ settings: Settings, _ logger: Logger) throws {
    let topology = settings.topology
    group = topology.group(of: .intake)
    let topic = topology[.control]
    guard try settings.makeAdmin(logger).hasTopic(topic) else {
      throw CommandFailure(
        .topicsDiffer, "there is no topic \(topic): create it with `projectionist topics apply`")
    }
    var quiet = logger
    if quiet.logLevel < .warning { quiet.logLevel = .warning }
    let table = try PolicyTable<KafkaConsumer>(
      KafkaLog(settings: settings.kafkaSettings, logger: quiet), topology: topology,
      clientID: "projectionist-intake")
    try table.catchUp()
    schedules = table.partitions.map { ($0, table[$0]) }.filter { !$0.1.entries.isEmpty }
  }
}
