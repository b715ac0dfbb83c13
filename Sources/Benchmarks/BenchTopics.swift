import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Streams
import Wiring

/// The product's topics on the cluster, empty for a bench.
final class BenchTopics {
  private static let deadline = Duration.seconds(60)
  /// What the embedded broker keeps of a partition, and what an event takes of the topic that
  /// holds the most bytes an event.
  private static let embeddedPartitionBytes = 5 << 20
  private static let bytesPerEvent = 300

  let declared: [DeclaredTopic]
  /// Whether the broker is librdkafka's mock cluster, whose topics can't be deleted.
  let isEmbedded: Bool
  private let admin: KafkaAdmin
  /// Changelogs and recorded positions: those of the bench's application alone.
  private let own: [String]
  private var areOurs = false

  init(_ settings: Settings, _ admin: KafkaAdmin) throws {
    self.admin = admin
    declared = try TopicCatalog.topics(settings)
    isEmbedded = try admin.cluster().isEmbedded
    let topology = settings.topology
    own = topology.topics.filter { $0.scope == .changelog }.map { topology[$0] }
  }

  /// Partitions of topics there are.
  func partitions(of topics: [String]) -> [TopicPartition] {
    declared.filter { topics.contains($0.name) }.flatMap { topic in
      (0..<Int32(topic.partitions)).map { TopicPartition(topic.name, $0) }
    }
  }

  /// Refuses a guarantee under which the embedded broker hides how far the groups have read: of
  /// offsets that belong to a transaction it keeps none (`rd_kafka_mock_handle_TxnOffsetCommit`).
  func checkGuarantee(_ guarantee: ProcessingGuarantee) throws {
    guard isEmbedded, guarantee == .exactlyOnce else { return }
    throw CommandFailure(
      .usage,
      "the embedded broker does not report what exactly-once stages have read: give --guarantee"
        + " at_least_once, or use Apache Kafka")
  }

  /// Refuses what the embedded broker would forget before it is read.
  func checkRoom(for events: Int, partitions: Int) throws {
    let room = partitions * Self.embeddedPartitionBytes / Self.bytesPerEvent
    guard isEmbedded, events > room else { return }
    throw CommandFailure(
      .usage,
      "the embedded broker keeps 5 MiB of a partition: with \(partitions) partitions about"
        + " \(room) events fit, not \(events); give fewer --events, or use Apache Kafka")
  }

  /// Makes sure that all topics are there as declared, and empty.
  ///
  /// - Parameter check: throws when the user wants to stop.
  func prepare(recreate: Bool, confirmed: Bool, check: () throws -> Void) throws {
    let present = try admin.topics()
    let names = declared.map(\.name).filter { present[$0] != nil }
    let used = try recordCounts(names, present).filter { $0.value > 0 }
    if recreate {
      guard !isEmbedded else {
        throw CommandFailure(
          .usage, "the embedded broker can't delete topics: start it again instead")
      }
      if !used.isEmpty, !confirmed { try Self.confirm(used) }
      try self.recreate(check)
    } else if !used.isEmpty {
      throw CommandFailure(
        .failure,
        "a bench needs empty topics, and these are not: "
          + used.keys.sorted().joined(separator: ", ")
          + (isEmbedded
            ? ". Start the embedded broker again"
            : ". Use an empty cluster, or --recreate-topics, which deletes all that is in them"))
    } else {
      var progress = ProgressBar("making the topics")
      try createMissing {
        try check()
        progress.refresh()
      }
      progress.close()
    }
    areOurs = true
  }

  /// Leaves the product's topics as they were: empty. The application's own are deleted.
  func clear() {
    guard areOurs, !isEmbedded else { return }
    areOurs = false
    do {
      try recreate {}
      _ = try admin.delete(own)
    } catch {
      let text = "the topics could not be emptied again: \(error)\n"
      FileHandle.standardError.write(Data(text.utf8))
    }
  }

  /// Offsets kept, by topic: an upper bound of its records.
  private func recordCounts(
    _ names: [String], _ partitions: [String: Int32]
  ) throws -> [String: Int64] {
    let all = names.flatMap { name in
      (0..<(partitions[name] ?? 0)).map { TopicPartition(name, $0) }
    }
    var counts: [String: Int64] = [:]
    for (partition, offsets) in try admin.offsets(of: all) {
      counts[partition.topic, default: 0] += Int64(offsets.count)
    }
    return counts
  }

  private static func confirm(_ used: [String: Int64]) throws {
    let names = used.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value) records)" }
    let question = "Delete \(names.joined(separator: ", ")) permanently? [y/N] "
    FileHandle.standardError.write(Data(question.utf8))
    guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
      throw CommandFailure(.failure, "nothing was deleted")
    }
  }

  private func createMissing(_ look: () throws -> Void) throws {
    var report = try TopicReport(declared, admin: admin)
    try report.createMissing(admin, look: look)
    if let failure = report.failure {
      throw CommandFailure(
        failure.status, "\(failure.message); or let --recreate-topics delete and create all of them"
      )
    }
  }

  private func recreate(_ check: () throws -> Void) throws {
    let names = declared.map(\.name)
    for case (let name, .failed(let error)) in try admin.delete(names) {
      throw CommandFailure(ExitStatus(of: error), "topic \(name) can't be deleted: \(error)")
    }
    // Brokers delete in the background, and until they have, a topic of that name is still there.
    var progress = ProgressBar("deleting and creating the topics")
    let end = ContinuousClock.now + Self.deadline
    while try !Set(names).isDisjoint(with: admin.topics().keys) {
      guard ContinuousClock.now < end else {
        throw CommandFailure(.unavailable, "the cluster does not delete topics in time")
      }
      try check()
      progress.refresh()
      Thread.sleep(forTimeInterval: 0.05)
    }
    try createMissing {
      try check()
      progress.refresh()
    }
    progress.close()
  }
}
