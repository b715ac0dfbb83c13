import EventLog
import KafkaLog
import Pipeline
import Ratings

/// The features that a topic holds below noted ends: the newest of each entity.
enum PublishedFeatures {
  /// How long no partition may make progress.
  static let patience = Duration.seconds(10)

  static func users(_ log: KafkaLog, _ ends: [TopicPartition: Int64]) throws(LogError)
    -> [Int64: UserFeatures?]
  {
    var parser = UserFeaturesParser()
    return try read(log, ends) { try? parser.parse($0) }
  }

  static func movies(_ log: KafkaLog, _ ends: [TopicPartition: Int64]) throws(LogError)
    -> [Int64: MovieFeatures?]
  {
    var parser = MovieFeaturesParser()
    return try read(log, ends) { try? parser.parse($0) }
  }

  /// - Parameter parse: `nil` for what a stage can't have written, which the redis stage skips.
  private static func read<Features>(
    _ log: KafkaLog, _ ends: [TopicPartition: Int64], _ parse: (RawSpan) -> Features?
  ) throws(LogError) -> [Int64: Features?] {
    var features: [Int64: Features?] = [:]
    var reader = try PartitionReader(
      log, topics: Set(ends.keys.map(\.topic)).sorted(), clientID: "projectionist-features")
    try reader.begin(try cursors(ends, by: reader.consumer))
    try reader.readToEnd(patience: patience) { _, record in
      guard let key = record.key, let entity = DecimalText.parse(key) else { return true }
      if let value = record.value {
        guard let parsed = parse(value) else { return true }
        features[entity] = .some(parsed)
      } else {
        features[entity] = .some(nil)
      }
      return true
    }
    return features
  }

  /// From each partition's beginning to its end, without those that hold nothing.
  static func cursors(_ ends: [TopicPartition: Int64], by consumer: KafkaLog.Consumer)
    throws(LogError) -> [PartitionCursor]
  {
    var cursors: [PartitionCursor] = []
    for (partition, end) in ends {
      let start = try consumer.offsets(of: partition).lowerBound
      if start < end { cursors.append(PartitionCursor(partition, from: .at(start), to: end)) }
    }
    return cursors
  }
}
