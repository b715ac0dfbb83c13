import ArgumentParser
import Configuration
import Console
import DaemonRuntime
import Foundation
import KafkaLog

struct BrokerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker",
    abstract: "Run a small Kafka broker in this process, for a first look.",
    discussion: """
      librdkafka's mock cluster on a free loopback port, with the declared topics made. \
      \(limits) For anything real, use Apache Kafka.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: "The same as --set topics.partitions=… --set topics.movie_partitions=…")
  var partitions: Int?

  @Option(help: ArgumentHelp("Write host:port to this file once it serves.", valueName: "file"))
  var addressFile: String?

  private static let limits =
    "It keeps everything in memory and only about 5 MiB of each partition, aborts no transaction,"
    + " compacts nothing, and the Java tools (kafka-topics and the like) can't talk to it."

  func run() async throws {
    var common = common
    if let partitions {
      // Before the others, so that each of the two can still be set by itself.
      common.assignments.insert(
        contentsOf: [
          "topics.partitions=\(partitions)", "topics.movie_partitions=\(partitions)",
        ], at: 0)
    }
    let (settings, logger) = try common.start("broker")
    let lifecycle = await Lifecycle(logger: logger)
    let broker = try MockBroker(logger: logger)
    let topics = try TopicCatalog.topics(settings)
    for topic in topics {
      try broker.createTopic(topic.name, partitions: Int32(clamping: topic.partitions))
    }
    let address = broker.bootstrapServers
    if let addressFile { try writeAddress(address, to: addressFile) }
    defer { if let addressFile { unlink(addressFile) } }
    print("serving \(topics.count) topics at \(address) until Ctrl-C")
    print(Self.limits)
    print("use it with: export KAFKA_BOOTSTRAP_SERVERS=\(address)")
    fflush(nil)
    try await lifecycle.runUntilSignal()
    withExtendedLifetime(broker) {}
  }

  private func writeAddress(_ address: String, to file: String) throws {
    do {
      try Data("\(address)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw CommandFailure(
        .failure, "the address file \(file) can't be written: \(error.localizedDescription)")
    }
  }
}
