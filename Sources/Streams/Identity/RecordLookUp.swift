public import EventLog

/// What lies at an offset that somebody remembers.
enum LookedUp: Hashable, Sendable {
  /// A record, which may be a changelog's identity.
  case record(RecordIdentity, ChangelogIdentity?)
  /// Nothing between others: a transaction's marker, or a record that compaction removed.
  case nothing
  /// Deleted, as retention does: the log begins here.
  case beforeStart(Int64)
  /// Not there yet: the log ends here.
  case beyondEnd(Int64)
}

/// Looks records up by their offsets, one of each partition, side by side.
struct RecordLookUp<Log: EventLog>: ~Copyable {
  private static var patience: Duration { .seconds(10) }

  private var reader: PartitionReader<Log.Consumer>

  /// - Parameter topics: those of the partitions that will be asked about.
  init(_ log: Log, topics: [String], clientID: String) throws(LogError) {
    // Whoever remembers a record knows that it was committed. A transaction that is open before it
    // must not keep it from being seen.
    reader = try PartitionReader(log, topics: topics, clientID: clientID, readCommitted: false)
  }

  /// For questions to the log.
  var consumer: Log.Consumer { reader.consumer }

  /// - Parameter offsets: where to look.
  mutating func find(_ offsets: [TopicPartition: Int64]) throws(LogError)
    -> [TopicPartition: LookedUp]
  {
    var found: [TopicPartition: LookedUp] = [:]
    var cursors: [PartitionCursor] = []
    // In an order of their own, so that a simulation's seed stays one run.
    for partition in offsets.keys.sorted(by: { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
    ) {
      guard let offset = offsets[partition] else { continue }
      let held = try reader.consumer.offsets(of: partition)
      if offset < held.lowerBound {
        found[partition] = .beforeStart(held.lowerBound)
      } else if offset >= held.upperBound {
        found[partition] = .beyondEnd(held.upperBound)
      } else {
        found[partition] = .nothing
        cursors.append(PartitionCursor(partition, from: .at(offset), to: offset + 1))
      }
    }
    guard !cursors.isEmpty else { return found }
    try reader.begin(cursors)
    try reader.readToEnd(patience: Self.patience) { number, record in
      found[cursors[number].partition] = .record(
        RecordIdentity(record), ChangelogIdentity(record))
      return true
    }
    return found
  }
}

extension RecordIdentity {
  /// Why what was found at this record's offset is not this record; `nil` if it is, or if nobody
  /// can tell because retention has deleted it.
  func difference(from found: LookedUp) -> String? {
    switch found {
    case .beforeStart: return nil
    case .beyondEnd(let end): return "the log ends at \(end)"
    case .nothing: return "there is no record any more"
    case .record(let other, _):
      if isSame(as: other) { return nil }
      return timestamp == other.timestamp
        ? "the record there has the hash \(Hexadecimal.text(other.hash)), not"
          + " \(Hexadecimal.text(hash))"
        : "the record there is of \(other.timestamp), not of \(timestamp)"
    }
  }

  /// Why a partition no longer holds this record, in words; `nil` if it does, or if nobody can
  /// tell.
  public func loss<Log: EventLog>(
    from source: TopicPartition, of log: Log, clientID: String
  ) throws(LogError) -> String? {
    var lookUp = try RecordLookUp(log, topics: [source.topic], clientID: clientID)
    return try lookUp.find([source: offset])[source].flatMap(difference)
  }
}
