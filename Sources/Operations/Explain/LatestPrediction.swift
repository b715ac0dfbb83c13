import Codecs
import Console
import EventLog
import KafkaLog

/// Finds a user's latest prediction in a topic of replies.
struct LatestPrediction {
  private static let patience = Duration.seconds(20)

  let partition: Int32
  let offset: Int64

  /// Reads the whole topic: replies may lie in any partition.
  ///
  /// - Throws: `CommandFailure` if the topic has no prediction for the user.
  init(of user: Int64, _ log: KafkaLog, _ topic: String) throws {
    var reader = try PartitionReader(log, topics: [topic], clientID: "projectionist-explain-latest")
    let partitions = (0..<(try reader.consumer.partitionCount(of: topic)))
      .map { TopicPartition(topic, $0) }
    var cursors: [PartitionCursor] = []
    for partition in partitions {
      let range = try reader.consumer.offsets(of: partition)
      cursors.append(
        PartitionCursor(partition, from: .at(range.lowerBound), to: range.upperBound))
    }
    try reader.begin(cursors)
    var progress = ProgressBar(topic, unit: "records", goal: .count(Int(max(reader.total, 1))))
    var search = LatestReply(user: user)
    do throws(LogError) {
      try reader.readToEnd(
        patience: Self.patience,
        onPoll: { cursors in
          progress.update(Int(cursors.reduce(0) { $0 + $1.passed }))
          return true
        },
        { _, record in
          if let value = record.value {
            search.take(value, partition: record.partition, offset: record.offset)
          }
          return true
        })
    } catch {
      guard error.code == .unavailable else { throw error }
      throw CommandFailure(.unavailable, "\(topic) can't be read in time")
    }
    progress.close(Int(reader.passed))
    guard let found = search.found else {
      throw CommandFailure(
        .failure,
        "\(topic) has no prediction for user \(user): ask for one with `projectionist predict"
          + " \(user)`")
    }
    partition = found.partition
    offset = found.offset
  }
}

/// Picks a user's latest prediction out of replies.
struct LatestReply: ~Copyable {
  private let user: Int64
  private var parser = FlatJSONParser(fields: ["user_id", "request_time_ms", "error"])
  private var moment = Int64.min
  private(set) var found: (partition: Int32, offset: Int64)?

  init(user: Int64) { self.user = user }

  /// Of equally late requests the one that is taken last counts. Error replies and what is no JSON
  /// are passed over.
  mutating func take(_ value: RawSpan, partition: Int32, offset: Int64) {
    do throws(JSONError) { try parser.parse(value) } catch { return }
    guard parser.integer(0) == user, parser.kind(2) == .absent else { return }
    let moment = parser.integer(1) ?? .min
    guard moment >= self.moment else { return }
    self.moment = moment
    found = (partition, offset)
  }
}
