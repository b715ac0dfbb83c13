import Configuration
import KafkaLog
import Logging
import Streams
import Wiring

/// The cluster that a verification reads: its log, its id, and the partition counts in use. A
/// broker that is away is an error at once, and later only warnings reach the log.
struct VerifiedCluster {
  let log: KafkaLog
  let admin: KafkaAdmin
  let id: String
  let counts: PartitionCounts
  let logger: Logger

  init(_ settings: Settings, _ logger: Logger) throws {
    var quiet = logger
    if quiet.logLevel < .warning { quiet.logLevel = .warning }
    admin = try settings.makeAdmin(logger)
    let found = try admin.cluster()
    id = found.id
    counts = found.isEmbedded ? settings.partitionCounts : try settings.usedCounts(admin, quiet)
    log = KafkaLog(settings: settings.kafkaSettings, logger: quiet)
    self.logger = quiet
  }
}
