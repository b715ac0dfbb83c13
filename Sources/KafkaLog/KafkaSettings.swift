import EventLog

/// How to reach a Kafka cluster, and what may be tuned.
public struct KafkaSettings: Sendable {
  /// `host:port`, several separated by commas.
  public var bootstrapServers: String
  /// librdkafka properties by their own names, applied last, so TLS, SASL and tuning work. Those
  /// that exactly-once depends on are refused, and the names of members.
  public var properties: [String: String]
  /// How long the group waits for a member that has gone silent (`session.timeout.ms`).
  public var sessionTimeout: Duration = .seconds(10)
  /// How long a stage may work on one batch before it loses its partitions
  /// (`max.poll.interval.ms`).
  public var maxPollInterval: Duration = .seconds(600)
  /// How long a transaction may stay open before the broker aborts it (`transaction.timeout.ms`).
  public var transactionTimeout: Duration = .seconds(60)
  /// How long a blocking question to the cluster may take.
  public var requestTimeout: Duration = .seconds(10)
  /// Called with the reason when a client has lost its last broker, on the thread that serves the
  /// client: late for an idle one. If `nil`, each client logs a warning.
  public var whenUnreachable: (@Sendable (_ reason: String) -> Void)?

  /// Whether the process is to stop: then nobody waits any longer for a producer to begin, or for
  /// an administrative answer.
  public var isStopping: (@Sendable () -> Bool)?
  /// Called again and again while a transactional producer takes long to begin.
  public var whenSlow: (@Sendable () -> Void)?
  /// Which times the topics' records may have.
  public var recordTimes = RecordTimes()

  /// What the brokers get for it.
  public var sessionTimeoutMilliseconds: Int {
    properties["session.timeout.ms"].flatMap { Int($0) } ?? Int(sessionTimeout.milliseconds)
  }

  public init(bootstrapServers: String, properties: [String: String] = [:]) {
    self.bootstrapServers = bootstrapServers
    self.properties = properties
  }
}

extension KafkaSettings {
  /// Properties that the commit protocol depends on.
  static let reserved: Set<String> = [
    "auto.commit.enable", "auto.offset.reset", "enable.auto.commit", "enable.auto.offset.store",
    "enable.idempotence", "enable.partition.eof", "group.id", "isolation.level", "partitioner",
    "transactional.id",
    // Topics that were deleted are known from the log (`ClientDiagnosis`).
    "log_level",
  ]

  /// Properties that tell the members of a group apart: they follow from the instance.
  static let names: Set<String> = ["client.id", "group.instance.id"]

  /// What every client has in common.
  private func common(clientID: String) -> [(String, String)] {
    [
      ("bootstrap.servers", bootstrapServers),
      ("client.id", clientID),
      // A request of a few bytes must not wait for the acknowledgement of the one before.
      ("socket.nagle.disable", "true"),
      ("socket.keepalive.enable", "true"),
      ("reconnect.backoff.max.ms", "1000"),
      ("log.connection.close", "false"),
      ("message.max.bytes", "16777216"),
    ]
  }

  func consumerProperties(_ consumer: ConsumerConfiguration) -> [(String, String)] {
    let queuedKilobytes = max(1, consumer.maxQueuedBytes >> 10)
    var all = common(clientID: consumer.clientID)
    all += [
      // librdkafka assigns partitions only to a client with a group. A reader without one never
      // joins or commits.
      ("group.id", consumer.group ?? "\(consumer.clientID)-standalone"),
      ("enable.auto.commit", "false"),
      ("enable.auto.offset.store", "false"),
      ("enable.partition.eof", "true"),
      ("auto.offset.reset", "error"),
      ("isolation.level", consumer.readCommitted ? "read_committed" : "read_uncommitted"),
      ("partition.assignment.strategy", "cooperative-sticky"),
      ("allow.auto.create.topics", "false"),
      // A topic that has grown is noticed with the next refresh; the default is five minutes.
      ("topic.metadata.refresh.interval.ms", "20000"),
      ("session.timeout.ms", sessionTimeout.millisecondsText),
      // A member learns of a rebalance with its next heartbeat.
      ("heartbeat.interval.ms", min(sessionTimeout / 5, .milliseconds(300)).millisecondsText),
      ("max.poll.interval.ms", maxPollInterval.millisecondsText),
      ("fetch.min.bytes", String(consumer.minFetchBytes)),
      ("fetch.wait.max.ms", consumer.fetchWait.millisecondsText),
      ("fetch.error.backoff.ms", "20"),
      // Must hold the largest record. What is kept is limited by the queue below.
      ("fetch.max.bytes", "16777216"),
      // Per partition and response; a larger record comes alone.
      ("fetch.message.max.bytes", "262144"),
      ("queued.min.messages", String(consumer.maxQueuedRecords)),
      ("queued.max.messages.kbytes", String(min(queuedKilobytes, 2_097_151))),
    ]
    all += Mend.fetchQueueProperties()
    if consumer.isMember, let instanceID = consumer.instanceID {
      all.append(("group.instance.id", instanceID))
    }
    return all
  }

  func producerProperties(clientID: String, transactionalID: String?) -> [(String, String)] {
    var all = common(clientID: clientID)
    all += [
      ("enable.idempotence", "true"),
      ("acks", "all"),
      // librdkafka's own default is CRC32; everyone else's is murmur2, random for null keys.
      ("partitioner", "murmur2_random"),
      // Without transactions, readers see records while the batch is still open. With them they see
      // nothing before the commit: waiting fills the requests, a large batch needs a tenth as many,
      // and the flush that ends a batch doesn't wait for the linger.
      ("linger.ms", transactionalID == nil ? "0" : "20"),
      ("batch.size", "262144"),
      ("batch.num.messages", "100000"),
      // The count limits memory; the bytes must have room for the largest record.
      ("queue.buffering.max.messages", "16000"),
      ("queue.buffering.max.kbytes", "17408"),
      // Also how long AddOffsetsToTxn waits while the broker completes the previous transaction.
      ("retry.backoff.ms", "10"),
      ("compression.codec", "none"),
    ]
    if let transactionalID {
      all += [
        ("transactional.id", transactionalID),
        ("transaction.timeout.ms", transactionTimeout.millisecondsText),
      ]
    }
    return all
  }

  func adminProperties(clientID: String, readCommitted: Bool) -> [(String, String)] {
    common(clientID: clientID) + [
      ("isolation.level", readCommitted ? "read_committed" : "read_uncommitted"),
      // A listener that wants SASL closes the connection of a client without it.
      ("log.connection.close", "true"),
    ]
  }
}

extension ConsumerConfiguration {
  /// The client counts payload only; a small record takes several times that in addition.
  var maxQueuedRecords: Int { min(max(1000, maxQueuedBytes >> 10), 10_000_000) }
}

extension Duration {
  /// Whole milliseconds, rounded up and clamped to what librdkafka's `int` holds.
  var milliseconds: Int32 {
    let (seconds, attoseconds) = components
    guard seconds < 2_000_000 else { return 2_000_000_000 }
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(seconds * 1000 + fraction)
  }

  var millisecondsText: String { String(milliseconds) }
}
