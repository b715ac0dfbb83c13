import CRdkafka
import EventLog
import Glibc
import Logging
import Synchronization
import Testing

@testable import KafkaLog

@Suite struct ClientTests {
  @Test func unknownPropertiesAreNamed() throws {
    let cluster = try Cluster([:], properties: ["no.such.thing": "1"])
    #expect { try cluster.reader("any") } throws: { error in
      guard let error = error as? LogError else { return false }
      return error.code == .configuration && error.message.contains("no.such.thing")
    }
  }

  @Test func badValuesAreNamed() throws {
    let cluster = try Cluster([:], properties: ["linger.ms": "soon"])
    #expect { try cluster.producer([]) } throws: { error in
      guard let error = error as? LogError else { return false }
      return error.code == .configuration && error.message.contains("linger.ms")
    }
  }

  /// librdkafka takes each of them, and no client can be made with it.
  @Test(arguments: [
    ["security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"],
    ["security.protocol": "sasl_plaintext", "sasl.mechanism": "NOPE"],
    ["security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"],
    ["session.timeout.ms": "900000"],
  ])
  func aClientThatCannotBeMadeIsExplained(_ properties: [String: String]) {
    let settings = KafkaSettings(bootstrapServers: "127.0.0.1:1", properties: properties)
    #expect {
      _ = try KafkaLog(settings: settings, logger: Logger(label: "t")).makeConsumer(
        ConsumerConfiguration(topics: ["any"], group: "g", clientID: "c"))
    } throws: { error in
      guard let error = error as? LogError else { return false }
      return error.code == .configuration && !error.message.isEmpty
        && error.advice?.contains("kafka.* keys") == true
    }
  }

  @Test func aMissingMechanismIsNamed() {
    let settings = KafkaSettings(
      bootstrapServers: "127.0.0.1:1", properties: ["security.protocol": "sasl_plaintext"])
    #expect {
      _ = try KafkaLog(settings: settings, logger: Logger(label: "t")).makeAdmin()
    } throws: {
      ($0 as? LogError)?.advice?.hasPrefix("set kafka.sasl.mechanism") == true
    }
  }

  @Test func whatExactlyOnceNeedsCannotBeChanged() throws {
    let cluster = try Cluster([:], properties: ["enable.auto.commit": "true"])
    #expect { try cluster.reader("any") } throws: {
      ($0 as? LogError)?.code == .configuration
    }
  }

  /// Polls a consumer without a broker.
  private func pollInVain(_ settings: KafkaSettings, _ logger: Logger, until done: () -> Bool)
    throws
  {
    let consumer = try KafkaLog(settings: settings, logger: logger).makeConsumer(
      ConsumerConfiguration(topics: ["any"], group: nil, clientID: "logger"))
    let deadline = ContinuousClock.now + patience
    while !done(), ContinuousClock.now < deadline {
      _ = try consumer.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
    }
    consumer.close()
  }

  @Test func theLibrarysLogArrives() throws {
    let recorder = LogRecorder()
    let settings = KafkaSettings(
      bootstrapServers: "127.0.0.1:1", properties: ["debug": "conf,generic"])
    try pollInVain(settings, recorder.logger) { recorder.all.contains { $0.level == .warning } }
    let library = recorder.all.filter { $0.text.hasPrefix("librdkafka") }
    #expect(library.contains { $0.level == .debug && $0.text.contains("127.0.0.1:1") })
    // The library complains about each attempt to connect; one warning stands for them all.
    #expect(library.allSatisfy { $0.level <= .info })
    #expect(recorder.all.filter { $0.level >= .warning }.count == 1)
  }

  @Test func anUnreachableClusterIsReportedWithItsReason() throws {
    let recorder = LogRecorder()
    let reasons = Mutex<[String]>([])
    var settings = KafkaSettings(bootstrapServers: "127.0.0.1:1")
    settings.whenUnreachable = { reason in reasons.withLock { $0.append(reason) } }
    try pollInVain(settings, recorder.logger) { reasons.withLock { !$0.isEmpty } }
    #expect(reasons.withLock { $0.first?.contains("127.0.0.1:1") == true })
    #expect(recorder.all.allSatisfy { $0.level < .warning })
  }

  /// Requests name other topics: what these deny ends no batch, and fills no log.
  @Test func aTopicThatWasNotDeclaredDeniesItsNextRecord() {
    let recorder = LogRecorder()
    let deliveries = Deliveries(topics: ["own"], logger: recorder.logger)
    let denied = LogError(.denied, "no", reaction: .stopDaemon)
    for _ in 0..<3 { deliveries.failed(denied, "mine") }
    deliveries.failed(LogError(.recordTooLarge, "large", reaction: .stopDaemon), "other")
    #expect(recorder.all.count == 2 && deliveries.takeError() == nil)
    #expect(deliveries.takeDenial(of: "mine") == denied)
    #expect(deliveries.takeDenial(of: "mine") == nil && deliveries.takeDenial(of: "other") == nil)
    deliveries.failed(denied, "own")
    #expect(deliveries.takeDenial(of: "own") == nil && deliveries.takeError() == denied)
  }

  /// Its record is gone, so a second flush must not succeed.
  @Test func aDeliveryThatFailsVoidsTheBatch() throws {
    let settings = KafkaSettings(
      bootstrapServers: "127.0.0.1:1", properties: ["message.timeout.ms": "200"])
    let producer = try KafkaLog(settings: settings, logger: quiet).makeProducer(
      ProducerConfiguration(topics: ["any"], delivery: .idempotent, clientID: "loser"))
    defer { producer.close() }
    try producer.send("lost", partition: 0)
    #expect { try producer.flush(timeout: patience) } throws: {
      ($0 as? LogError)?.reaction == .abortBatch
    }
  }

  @Test func syslogSeveritiesKeepTheirOrder() {
    let levels = (0...7).map { Logger.Level(syslog: $0) }
    #expect(
      levels == [.critical, .critical, .critical, .error, .warning, .notice, .info, .debug])
  }

  /// Its kernel takes the connections, and nobody reads from them.
  @Test func aServerThatSaysNothingIsToldFromNone() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        try #require(bind(listener, pointer, length) == 0 && listen(listener, 8) == 0)
        try #require(getsockname(listener, pointer, &length) == 0)
      }
    }
    let port = UInt16(bigEndian: address.sin_port)
    var settings = KafkaSettings(bootstrapServers: "127.0.0.1:\(port)")
    settings.requestTimeout = .milliseconds(300)
    let admin = try KafkaLog(settings: settings, logger: quiet).makeAdmin()
    #expect { try admin.cluster() } throws: { error in
      guard let error = error as? LogError else { return false }
      return error.code == .unavailable && error.reaction == .retry
        && error.message.contains("nothing comes back")
    }
  }

  @Test func anUnreachableBrokerIsUnavailable() throws {
    var settings = KafkaSettings(bootstrapServers: "127.0.0.1:1")
    settings.requestTimeout = .milliseconds(300)
    let admin = try KafkaLog(settings: settings, logger: quiet).makeAdmin()
    #expect { try admin.cluster() } throws: { error in
      guard let error = error as? LogError else { return false }
      return error.code == .unavailable && error.reaction == .retry
    }
  }

  @Test(
    arguments: [
      (RD_KAFKA_RESP_ERR__TRANSPORT, .unavailable, .retry),
      (RD_KAFKA_RESP_ERR__TIMED_OUT, .unavailable, .retry),
      (RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .unavailable, .retry),
      (RD_KAFKA_RESP_ERR__FENCED, .fenced, .abandonPartition),
      (RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .fenced, .abandonPartition),
      (RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, .fenced, .abandonPartition),
      (RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, .fenced, .abandonPartition),
      (RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, .offsetOutOfRange, .rebuildStore),
      (RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, .offsetOutOfRange, .rebuildStore),
      (RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, .unknownTopic, .retry),
      (RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .recordTooLarge, .stopDaemon),
      (RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .denied, .stopDaemon),
      (RD_KAFKA_RESP_ERR__AUTHENTICATION, .denied, .stopDaemon),
      (RD_KAFKA_RESP_ERR__INVALID_ARG, .configuration, .stopDaemon),
      (RD_KAFKA_RESP_ERR__INCONSISTENT, .transactionAborted, .abortBatch),
      (RD_KAFKA_RESP_ERR_UNKNOWN, .other, .stopDaemon),
    ] as [(rd_kafka_resp_err_t, LogError.Code, Reaction)])
  func codesHaveAReaction(
    _ native: rd_kafka_resp_err_t, _ code: LogError.Code, _ reaction: Reaction
  ) {
    let error = LogError(native, "detail")
    #expect(error.code == code)
    #expect(error.reaction == reaction)
    #expect(error.message.hasPrefix("detail: "))
  }

  @Test func whatTheLibrarySaysOfAnErrorCounts() {
    let unknown = RD_KAFKA_RESP_ERR_UNKNOWN
    #expect(LogError(unknown, "", fatal: true).reaction == .abandonPartition)
    #expect(LogError(unknown, "", requiresAbort: true).reaction == .abortBatch)
    #expect(LogError(unknown, "", retriable: true).reaction == .retry)
    // Fencing stays fencing, whatever flags come with it.
    let fenced = RD_KAFKA_RESP_ERR__FENCED
    #expect(LogError(fenced, "", fatal: true).reaction == .abandonPartition)
    #expect(LogError(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, "", requiresAbort: true).code == .fenced)
    // A member can fence itself by repeating a join. That must not end the daemon.
    #expect(LogError(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "").reaction == .abandonPartition)
    // A rebalance has begun, whose outcome for this member is open.
    for code in [RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS] {
      #expect(LogError(code, "", requiresAbort: true).reaction == .abortBatch)
    }
    // A transport error that leaves the transaction open, but not committable.
    #expect(LogError(RD_KAFKA_RESP_ERR__TRANSPORT, "", requiresAbort: true).reaction == .abortBatch)
  }
}
