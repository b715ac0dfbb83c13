public import EventLog
import Streams

/// The topic that a stage's events originally come from. Asked when an event looks like a repeat:
/// is it still the topic that the state was computed from?
public struct SourceTopic {
  private enum Found {
    case record(timestamp: Int64)
    /// Not the record asked for, but the log has others before and after its offset.
    case nothing
    /// Deleted, as retention does.
    case beforeStart
    case beyondEnd(Int64)
  }

  let name: String
  private let timesAreKept: () -> Bool
  private let find: (_ partition: Int32, _ offset: Int64) throws(StageError) -> Found

  /// - Parameters:
  ///   - clientID: names the readers that look.
  ///   - timesAreKept: whether the stage's input has its records' times; a topic that refuses old
  ///     ones gets later ones.
  public init<Log: EventLog>(
    _ name: String, in log: Log, clientID: String,
    timesAreKept: @escaping () -> Bool = { true }
  ) {
    self.name = name
    self.timesAreKept = timesAreKept
    find = { partition, offset throws(StageError) in
      try Self.find(TopicPartition(name, partition), offset, in: log, "\(clientID)-\(name)-source")
    }
  }

  /// Makes sure that a partition still holds an event that is in the state. An event that retention
  /// has deleted, or a record without a timestamp, can't be compared and passes for the same. So
  /// does an older record, where the stage's input accepts no old times.
  ///
  /// - Throws: `topic_recreated`, which stops the daemon.
  func check(_ partition: Int32, holds known: SourcePosition) throws(StageError) {
    let why: String
    switch try find(partition, known.offset) {
    case .beforeStart: return
    case .record(let timestamp):
      guard timestamp >= 0, known.timestamp >= 0, timestamp != known.timestamp else { return }
      if timestamp < known.timestamp, !timesAreKept() { return }
      why = "the record there is of \(timestamp), and the one in the state of \(known.timestamp)"
    case .nothing: why = "there is no record any more"
    case .beyondEnd(let end): why = "the log ends at \(end)"
    }
    throw .failed(
      Reason(
        .topicRecreated,
        "topic_recreated: the state has \(name)[\(partition)] up to offset \(known.offset), but"
          + " \(why): the topic was deleted and recreated, and its events would pass for repeats."
          + " To go on with the new topic, \(Reason.startingOver)"),
      .stopDaemon)
  }

  private static func find<Log: EventLog>(
    _ source: TopicPartition, _ offset: Int64, in log: Log, _ clientID: String
  ) throws(StageError) -> Found {
    do throws(LogError) {
      var reader = try PartitionReader(log, topics: [source.topic], clientID: clientID)
      let held = try reader.consumer.offsets(of: source)
      guard offset < held.upperBound else { return .beyondEnd(held.upperBound) }
      guard offset >= held.lowerBound else { return .beforeStart }
      try reader.begin([PartitionCursor(source, from: .at(offset), to: offset + 1)])
      var found = Found.nothing
      try reader.readToEnd(maxRecords: 1, patience: .seconds(10)) { _, record in
        found = .record(timestamp: record.timestamp)
        return false
      }
      return found
    } catch { throw .log(error) }
  }
}
