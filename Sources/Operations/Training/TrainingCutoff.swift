import Console
import EventLog
package import KafkaLog
import Pipeline
import Ratings
package import Streams

/// Where reading `validated-ratings` stops: `0:1200,1:1310`, or a time in ISO 8601.
package enum TrainingCutoff: Hashable {
  /// By partition, exclusive; the other partitions are read to their end.
  case offsets([Int: Int64])
  /// Milliseconds since 1970; stops before the first record at or after it.
  case time(Int64)

  package init?(_ text: String) {
    if let time = EventTime.milliseconds(iso8601: Array(text.utf8).span.bytes) {
      self = .time(time)
      return
    }
    var offsets: [Int: Int64] = [:]
    for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
      let fields = pair.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 2, let partition = Int(fields[0]), let offset = Int64(fields[1]),
        partition >= 0, offset >= 0, offsets.updateValue(offset, forKey: partition) == nil
      else { return nil }
    }
    self = .offsets(offsets)
  }

  /// Why a partition that begins at an offset is not trained on.
  static func missing(_ partition: TopicPartition, before first: Int64) -> String {
    "\(partition) begins at offset \(first): its first ratings were deleted, and a model of the rest"
      + " would not be a function of the log; set retention.ms to -1 as declared"
      + " (the embedded broker keeps the newest 5 MiB of a partition, whatever is set)"
  }

  /// The offsets to read to, by partition, never beyond the topic's current end.
  package static func ends(
    _ cutoff: TrainingCutoff?, _ topology: Topology, _ admin: KafkaAdmin
  ) throws -> [Int64] {
    let topic = topology[.validatedRatings]
    guard try admin.hasTopic(topic) else {
      throw CommandFailure(
        .topicsDiffer, "there is no topic \(topic): create it with `projectionist topics apply`")
    }
    let partitions = (0..<(try admin.partitionCount(of: topic))).map { TopicPartition(topic, $0) }
    let ranges = try admin.offsets(of: partitions)
    for partition in partitions {
      guard let first = ranges[partition]?.lowerBound, first > 0 else { continue }
      throw CommandFailure(.failure, missing(partition, before: first))
    }
    var ends = partitions.map { ranges[$0]?.upperBound ?? 0 }
    switch cutoff {
    case nil: break
    case .time(let time):
      let found = try admin.offsets(of: partitions, at: time)
      for (index, partition) in partitions.enumerated() {
        ends[index] = min(found[partition] ?? ends[index], ends[index])
      }
    case .offsets(let offsets):
      if let unknown = offsets.keys.filter({ $0 >= partitions.count }).min() {
        throw CommandFailure(
          .usage, "--until names partition \(unknown), but \(topic) has \(partitions.count)")
      }
      for (index, end) in ends.enumerated() { ends[index] = min(offsets[index] ?? end, end) }
    }
    return ends
  }
}
