import EventLog
import Logging

extension KafkaConsumer {
  /// A client of a group that never joins it, to ask for its committed offsets and to set them.
  ///
  /// An admin client's requests for any group's offsets can end the process (Mends.md). Offsets in
  /// open transactions are not waited for: a client that reads committed records only would.
  static func bystander(ofGroup group: String, settings: KafkaSettings, logger: Logger)
    throws(LogError) -> KafkaConsumer
  {
    try KafkaConsumer(
      ConsumerConfiguration(
        topics: [], group: group, isMember: false, clientID: "\(group)-offsets",
        readCommitted: false),
      settings: settings, logger: logger)
  }
}
