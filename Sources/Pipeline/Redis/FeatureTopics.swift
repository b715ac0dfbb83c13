import EventLog
import Ratings
import RedisProjection
import Streams

/// Looks into the topics that are projected. Has a consumer of its own; belongs to one thread.
final class FeatureTopics<Log: EventLog> {
  /// A record of features, as far as it tells logs apart.
  struct Found: Hashable {
    var mark: RecordMark
    /// `nil` for a key that is no number.
    var entity: Int64?
    /// `nil` for a tombstone.
    var eventTime: Int64?
  }

  private let names: [String]
  private var reader: PartitionReader<Log.Consumer>
  private var users = UserFeaturesParser()
  private var movies = MovieFeaturesParser()

  /// - Parameter names: of the topics with features of users and of movies.
  init(_ log: Log, names: [String], clientID: String) throws(LogError) {
    self.names = names
    reader = try PartitionReader(log, topics: names, clientID: "\(clientID)-lookup")
  }

  private static var patience: Duration { .seconds(10) }

  /// All partitions of the topics.
  func partitions() throws(LogError) -> [TopicPartition] {
    var partitions: [TopicPartition] = []
    for name in names {
      let count = try reader.consumer.partitionCount(of: name)
      partitions += (0..<count).map { TopicPartition(name, $0) }
    }
    return partitions
  }

  /// What partitions hold.
  func held(_ partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: Range<Int64>] {
    var held: [TopicPartition: Range<Int64>] = [:]
    for partition in partitions { held[partition] = try reader.consumer.offsets(of: partition) }
    return held
  }

  /// The last visible record of each partition below an offset.
  func last(below ends: [TopicPartition: Int64], in held: [TopicPartition: Range<Int64>])
    throws(LogError) -> [TopicPartition: Found]
  {
    var found: [TopicPartition: Found] = [:]
    var open = ends.filter { $0.value > held[$0.key]?.lowerBound ?? 0 }
    var window: Int64 = 100
    while !open.isEmpty {
      let cursors = open.map { partition, end in
        PartitionCursor(
          partition, from: .at(max(held[partition]?.lowerBound ?? 0, end - window)), to: end)
      }
      try reader.begin(cursors)
      try reader.readToEnd(patience: Self.patience) { number, record in
        found[cursors[number].partition] = self.read(record)
        return true
      }
      open = open.filter { partition, end in
        found[partition] == nil && end - window > held[partition]?.lowerBound ?? 0
      }
      window *= 10
    }
    return found
  }

  /// The records at an offset, of whichever partitions of a topic have one there.
  func records(at offset: Int64, topic: Int, in held: [TopicPartition: Range<Int64>])
    throws(LogError) -> [Found]
  {
    let cursors = held.filter { $0.key.topic == names[topic] && $0.value.contains(offset) }.keys
      .map { PartitionCursor($0, from: .at(offset), to: offset + 1) }
    var found: [Found] = []
    try reader.begin(cursors)
    try reader.readToEnd(patience: Self.patience) { _, record in
      found.append(self.read(record))
      return true
    }
    return found
  }

  private func read(_ record: borrowing RecordView) -> Found {
    var eventTime: Int64?
    if let value = record.value {
      eventTime =
        record.topic == RedisInputs.userFeatures.index
        ? (try? users.parse(value))?.eventTimeMilliseconds
        : (try? movies.parse(value))?.eventTimeMilliseconds
    }
    let entity: Int64? = if let key = record.key { DecimalText.parse(key) } else { nil }
    return Found(
      mark: RecordMark(
        offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value),
      entity: entity, eventTime: eventTime)
  }
}
