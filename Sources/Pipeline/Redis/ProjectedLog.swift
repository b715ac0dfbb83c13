package import EventLog
import RedisProjection
package import Streams

/// Tells whether what Redis holds comes from this log: by the record in Redis, and where there is
/// none, by its rows. Belongs to the redis stage's thread.
package struct ProjectedLog<Log: EventLog, Sink: FeatureSink> {
  /// What the record says, and what the log holds of the partitions asked for.
  struct Opened {
    var record: ProjectionRecord
    var held: [TopicPartition: Range<Int64>]
  }

  private let log: Log
  private let topics: [String]
  private let clientID: String
  private let identity: ProjectionIdentity
  private let sink: Sink
  /// By topic, how its features are computed once more.
  private let recomputations: [String: String]
  /// The last refusal. It holds as long as the record stays, so that a stage that waits does not
  /// look into the log again and again.
  private var refused: (record: ProjectionRecord?, attempts: Int, reason: Reason)?

  package init(
    _ log: Log, _ topology: Topology, clientID: String, identity: ProjectionIdentity, sink: Sink
  ) {
    self.log = log
    topics = topology.inputs(of: .redis)
    recomputations = Dictionary(
      uniqueKeysWithValues: [(.userFeatures, .user), (.movieFeatures, .movie)].map {
        (topic: TopicDeclaration, stage: StageDeclaration) in
        (topology[topic], topology.recomputation(of: stage))
      })
    self.clientID = clientID
    self.identity = identity
    self.sink = sink
  }

  /// Attempts, with pauses that grow, after which the log is looked into again.
  private static var attempts: Int { 8 }

  /// Reads the record and compares it with the log. Makes one where there is none and Redis is
  /// empty or has rows of this log.
  ///
  /// - Throws: `redis_claimed`, to be tried again, when Redis holds another log.
  mutating func open(_ partitions: [TopicPartition]) throws(StageError) -> Opened {
    var record = try StageError.redis { () throws(RedisError) in try sink.record() }
    if let refused, refused.record == record, refused.attempts < Self.attempts {
      self.refused?.attempts += 1
      throw .failed(refused.reason, .retry)
    }
    refused = nil
    if let record, record.owner != identity.owner { throw refusal(of: record, foreign(record)) }
    let names = self.topics
    let topics = try StageError.asking { () throws(LogError) in
      try FeatureTopics(log, names: names, clientID: clientID)
    }
    if record == nil { record = try begin(topics) }
    guard let record else { throw Self.changes }
    if let (topic, why) = try difference(record, partitions, topics) {
      throw refusal(of: record, recreated(topic, why))
    }
    let held = try StageError.asking { () throws(LogError) in try topics.held(partitions) }
    guard record.epoch < identity.generation else { return Opened(record: record, held: held) }
    // Written by an operator who wants all rows replaced.
    let next = identity.record(after: record)
    guard
      try StageError.redis({ () throws(RedisError) in
        try sink.replace(epoch: record.epoch, by: next)
      })
    else { throw Self.changes }
    return Opened(record: next, held: held)
  }

  private static var changes: StageError {
    .failed(Reason(.redisBehind, "another writer changes the record in Redis"), .retry)
  }

  /// Why the redis stage would wait, although the record is this application's; `nil` if Redis may
  /// be of this log.
  package func difference(_ partitions: [TopicPartition]) throws(StageError) -> String? {
    guard let record = try StageError.redis({ () throws(RedisError) in try sink.record() }),
      record.owner == identity.owner
    else { return nil }
    let names = self.topics
    let topics = try StageError.asking { () throws(LogError) in
      try FeatureTopics(log, names: names, clientID: clientID)
    }
    return try difference(record, partitions, topics).map { recreated($0.topic, $0.why) }
  }

  // MARK: No record

  /// Makes the record.
  ///
  /// - Returns: `nil` when another member has made one meanwhile.
  private mutating func begin(_ topics: FeatureTopics<Log>) throws(StageError) -> ProjectionRecord?
  {
    let survey = try StageError.redis { () throws(RedisError) in
      try ProjectionSurvey(sink, views: identity.projection.views.count)
    }
    var record = ProjectionRecord(owner: identity.owner, epoch: identity.generation)
    if let newest = survey.newest {
      let strangers = try StageError.asking { () throws(LogError) in
        try countStrangers(survey.samples, topics)
      }
      guard strangers * 2 <= survey.samples.count else { throw refusal(of: nil, unknown) }
      record.epoch = max(record.epoch, newest)
      // Where some are not this log's, all are written again.
      if strangers > 0 { record = identity.record(after: nil, newest: newest) }
    }
    let isMade = try StageError.redis { () throws(RedisError) in try sink.begin(record) }
    return isMade ? record : nil
  }

  /// How many of the rows were not written from records of this log, or from records that are gone,
  /// replaced by newer ones that are not projected yet.
  private func countStrangers(_ rows: [ProjectionSurvey.Sample], _ topics: FeatureTopics<Log>)
    throws(LogError) -> Int
  {
    let held = try topics.held(try topics.partitions())
    var strangers = 0
    for sampled in rows {
      let records =
        if let fence = sampled.row.fence {
          try topics.records(at: fence.offset, topic: sampled.view, in: held)
        } else { [FeatureTopics<Log>.Found]() }
      let isOwn = records.contains {
        $0.entity == sampled.row.entity && $0.eventTime == sampled.row.eventTime
      }
      if !isOwn { strangers += 1 }
    }
    return strangers
  }

  // MARK: Another log's

  /// Why the record can't be of this log; `nil` if it can.
  private func difference(
    _ record: ProjectionRecord, _ partitions: [TopicPartition], _ topics: FeatureTopics<Log>
  ) throws(StageError) -> (topic: String, why: String)? {
    var positions: [TopicPartition: ProjectionPosition] = [:]
    for partition in partitions { positions[partition] = record.positions["\(partition)"] }
    let held = try StageError.asking { () throws(LogError) in try topics.held(partitions) }
    for (partition, position) in positions {
      let end = held[partition]?.upperBound ?? 0
      if position.next > end {
        let why = "\(partition) was projected up to offset \(position.next), and ends at \(end)"
        return (partition.topic, why)
      }
    }
    let found = try StageError.asking { () throws(LogError) in
      try topics.last(below: positions.mapValues(\.next), in: held)
    }
    for (partition, position) in positions {
      guard let last = position.last, let found = found[partition] else { continue }
      if try isSame(last, found, partition, position) { continue }
      let why = "\(partition) has another record at offset \(found.mark.offset) than was projected"
      return (partition.topic, why)
    }
    return nil
  }

  /// Whether the last record before a position may be the one that was the last when it was
  /// projected, or have become the last since that one was compacted away.
  private func isSame(
    _ last: RecordMark, _ found: FeatureTopics<Log>.Found, _ partition: TopicPartition,
    _ position: ProjectionPosition
  ) throws(StageError) -> Bool {
    guard found.mark.offset < last.offset else { return found.mark == last }
    // Its own row then tells: nothing newer of the entity was projected.
    guard let entity = found.entity, let view = topics.firstIndex(of: partition.topic) else {
      return true
    }
    let fence = try StageError.redis { () throws(RedisError) in
      try sink.fence(of: entity, view: view)
    }
    guard let fence else { return true }
    return fence.offset == found.mark.offset || fence.offset >= position.next
  }

  // MARK: What is said

  private mutating func refusal(of record: ProjectionRecord?, _ text: String) -> StageError {
    let reason = Reason(.redisClaimed, "redis_claimed: " + text + Self.advice)
    refused = (record, 0, reason)
    return .failed(reason, .retry)
  }

  private static var advice: String {
    ". Nothing is written there. `projectionist redis claim` takes it over and fills it again from"
      + " this log; or set feast.project, or redis.host, to one of this application's own"
  }

  private var held: String {
    "\(sink.place) holds the Feast project \(identity.projection.project)"
  }

  private func foreign(_ record: ProjectionRecord) -> String {
    "\(held) of \(record.owner), and this is \(identity.owner)"
  }

  private func recreated(_ topic: String, _ why: String) -> String {
    let computing = recomputations[topic].map { ". If only \(topic) was, first \($0)" } ?? ""
    return
      "\(held) of an earlier log of \(identity.owner): \(why). The topic was deleted and created"
      + " again, or lost records\(computing)"
  }

  private var unknown: String {
    "\(held) with rows that do not come from this log, and does not say whose they are; this is"
      + " \(identity.owner)"
  }
}
