/// The configuration of a single Kafka node in KRaft mode, for loopback only.
///
/// https://kafka.apache.org/documentation/#kraft_config
struct KafkaNode {
  /// The scripts of Apache Kafka that a node is made with.
  static let scripts = ["kafka-storage.sh", "kafka-server-start.sh"]

  var port: UInt16
  var controllerPort: UInt16
  var dataDirectory: String

  var bootstrapServers: String { "127.0.0.1:\(port)" }

  /// `server.properties`.
  var properties: String {
    """
    process.roles=broker,controller
    node.id=1
    controller.quorum.voters=1@127.0.0.1:\(controllerPort)
    listeners=PLAINTEXT://\(bootstrapServers),CONTROLLER://127.0.0.1:\(controllerPort)
    advertised.listeners=PLAINTEXT://\(bootstrapServers)
    controller.listener.names=CONTROLLER
    listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
    log.dirs=\(dataDirectory)
    auto.create.topics.enable=false
    offsets.topic.replication.factor=1
    offsets.topic.num.partitions=4
    transaction.state.log.replication.factor=1
    transaction.state.log.min.isr=1
    transaction.state.log.num.partitions=4
    group.initial.rebalance.delay.ms=0

    """
  }

  /// What the scripts read in addition to their arguments.
  static func environment(logDirectory: String) -> [String: String] {
    [
      "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m",
      "LOG_DIR": logDirectory,
      // No file of the garbage collector's own.
      "KAFKA_GC_LOG_OPTS": " ",
    ]
  }

  /// A new cluster id as `kafka-storage.sh random-uuid` makes it: 16 random bytes in URL-safe
  /// base64 without padding. Not beginning with a hyphen, which would look like an option.
  static func makeClusterID() -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    // 21 characters hold 126 bits; the last one holds two more, as its upper bits.
    var id = String(alphabet[Int.random(in: 0..<63)])
    for _ in 0..<20 { id.append(alphabet[Int.random(in: 0..<64)]) }
    id.append(alphabet[Int.random(in: 0..<4) << 4])
    return id
  }
}
