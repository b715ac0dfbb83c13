import Codecs
public import EventLog
import Ratings
public import StateStore
public import Streams

/// Validates each event of `user-ratings` and sends one verdict for it. Valid events go on in
/// canonical form under their user's key; the others go byte for byte to the dead letters.
public struct IntakeOperator<
  Store: StateStore, Producer: LogProducer, Consumer: LogConsumer
>: StageOperator, ~Copyable {
  public typealias State = IntakePartition
  public typealias Partition = PartitionTask<Store, Producer>

  private static var validated: StageOutput { IntakeOutputs.validated }
  private static var verdicts: StageOutput { IntakeOutputs.verdicts }
  private static var deadLetters: StageOutput { IntakeOutputs.deadLetters }
  private static var control: StageOutput { IntakeOutputs.control }

  /// The name of its input, for verdicts and dead letters.
  private let source: String
  /// The most bytes of an event that its dead letter can hold.
  private let largestLetter: Int
  private let movies: MovieTable<Consumer>
  private let policies: PolicyTable<Consumer>
  private let environment: IntakeEnvironment
  /// The consumer group, to which policies belong.
  private let group: String
  private var notes = IntakeNotes()
  /// The time zones needed so far, by name.
  private var zones: [String: ZoneOffsets] = [:]
  private var validator = EventValidator()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()
  private var hasCaughtUp = false

  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, environment: IntakeEnvironment
  ) throws(StageError) where Log.Consumer == Consumer {
    let tables: (movies: MovieTable<Consumer>, policies: PolicyTable<Consumer>)
    do throws(LogError) {
      tables = (
        try MovieTable(
          log, topology: topology, clientID: clientID, faults: environment.catalogFaults),
        try PolicyTable(log, topology: topology, clientID: clientID)
      )
    } catch { throw .log(error) }
    (movies, policies) = tables
    self.environment = environment
    source = topology[.userRatings]
    group = topology.group(of: .intake)
    largestLetter = DeadLetter.most(environment.letterLimit)
  }

  /// The previous owner may have changed the policy a moment ago.
  public mutating func resume(_ partitions: [TopicPartition], committed: [TopicPartition: Int64])
    throws(StageError) -> [TopicPartition: Int64]
  {
    do throws(LogError) { try policies.catchUp() } catch { throw .log(error) }
    return [:]
  }

  public mutating func makeState(_ task: Partition) throws(StageError) -> IntakePartition {
    IntakePartition(policies[task.partition], notes.window(of: task.partition))
  }

  public mutating func partitionsChanged(_ tasks: [Partition]) {
    notes.forgetAll(but: Set(tasks.map(\.partition)))
  }

  public mutating func beginBatch() throws(StageError) {
    hasCaughtUp = false
    notes.begin()
    do throws(LogError) { try movies.poll() } catch { throw .log(error) }
  }

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout IntakePartition, _ task: Partition
  ) throws(StageError) {
    var end = Int64.min
    for index in records.indices {
      let offset = records[index].offset
      if offset >= end { end = try rule(on: offset, &state, task) }
      try take(records[index], &state, task)
    }
  }

  /// Makes the validator judge by the policy that applies to an offset: for an event judged before,
  /// the one it was judged by; for a new event, the present one.
  ///
  /// - Returns: the first offset to which another may apply.
  private mutating func rule(
    on offset: Int64, _ state: inout IntakePartition, _ task: Partition
  ) throws(StageError) -> Int64 {
    if offset < task.furthestOffset, !environment.forgetsPolicies {
      let ruling = state.schedule.ruling(at: offset)
      switch ruling.recorded {
      case .policy(let policy): try judge(by: policy)
      case .unreadable(let why):
        throw environment.unreadable(task.source, offset, why)
      }
      return min(ruling.end, task.furthestOffset)
    }
    let changes = state.schedule.begin(environment.policy, at: offset)
    for change in changes { try write(change, task) }
    state.changes += changes
    try judge(by: environment.policy)
    return .max
  }

  private mutating func judge(by policy: IntakePolicy) throws(StageError) {
    guard validator.policy != policy else { return }
    guard let zone = zones[policy.timeZone] ?? environment.zone(policy.timeZone) else {
      throw environment.unknownZone(policy.timeZone)
    }
    zones[policy.timeZone] = zone
    validator.use(policy, zone: zone)
  }

  /// Writes a change as a part of the batch, to the one partition, which also has the claims.
  private mutating func write(_ change: PolicySchedule.Change, _ task: Partition)
    throws(StageError)
  {
    let place = PolicyPlace(group: group, partition: task.partition, offset: change.offset)
    let key = place.key
    switch change {
    case .set(let policy, _):
      value.removeAll()
      PolicyFormat.write(policy, to: &value)
      try task.send(to: Self.control, partition: 0, key: key.span.bytes, value: value.bytes)
    case .remove:
      try task.send(to: Self.control, partition: 0, key: key.span.bytes, value: nil)
    }
  }

  private mutating func take(
    _ record: borrowing RecordView, _ state: inout IntakePartition, _ task: Partition
  ) throws(StageError) {
    let source = SourceCoordinates(partition: record.partition, offset: record.offset)
    var failures: ExpectationSet = []
    var reasons: [EventDetail] = []
    var coercions = CoercionSet()
    switch judge(record, source) {
    case .valid(let event, let coerced):
      coercions = coerced
      try forward(event, timestamp: record.timestamp, task)
    case .silent(let coerced):
      coercions = coerced
    case .invalid(let failed, let details):
      failures = failed
      reasons = details
      try bury(record, failed, details, task)
    }
    notes.count(failures, coercions)
    state.window.take(failures, offset: record.offset)
    state.verdicts.append(
      failed: failures, details: reasons, coerced: coercions, source: source, key: record.key,
      timestamp: record.timestamp)
    if state.verdicts.isFull { try send(&state.verdicts, task) }
  }

  private mutating func judge(_ record: borrowing RecordView, _ source: SourceCoordinates)
    -> Verdict
  {
    let plain = validator.look(
      value: record.value, recordTimestampMilliseconds: record.timestamp, source: source)
    if let plain { return plain }
    return validator.lookCloser(
      value: record.value, key: record.key,
      cloudTime: CloudEventHeaders.time(of: record.copyHeaders()),
      recordTimestampMilliseconds: record.timestamp, source: source)
  }

  public mutating func closeBatch(_ state: inout IntakePartition, _ task: Partition)
    throws(StageError)
  {
    try send(&state.verdicts, task)
    notes.close(&state, task.source)
  }

  public mutating func report() -> BatchReport {
    notes.commit { policies.note($1, of: $0) }
  }

  private mutating func forward(_ event: borrowing RatingEvent, timestamp: Int64, _ task: Partition)
    throws(StageError)
  {
    value.removeAll()
    if let movie = event.movie, let genres = try catalogGenres(movie) {
      writeCanonicalEvent(event, genres: genres.span.bytes, to: &value)
    } else {
      writeCanonicalEvent(event, to: &value)
    }
    key.removeAll()
    key.integer(event.user)
    try task.send(
      to: Self.validated, key: key.bytes, value: value.bytes, timestamp: Timestamps.kept(timestamp))
  }

  /// The movie's genres as the catalog has them. The first unknown movie of a batch makes the stage
  /// read the catalog's topic up to its end; a movie produced after that is seen by the next batch.
  private mutating func catalogGenres(_ movie: Int64) throws(StageError) -> [UInt8]? {
    if let known = movies.genresJSON(of: movie) { return known }
    guard !hasCaughtUp else { return nil }
    hasCaughtUp = true
    do throws(LogError) { try movies.catchUp() } catch { throw .log(error) }
    return movies.genresJSON(of: movie)
  }

  private mutating func send(_ pending: inout PendingVerdicts, _ task: Partition)
    throws(StageError)
  {
    for verdict in pending.verdicts {
      value.removeAll()
      writeVerdict(
        failed: verdict.failed, details: verdict.details, coerced: verdict.coerced, topic: source,
        source: verdict.source, to: &value)
      try task.send(
        to: Self.verdicts, key: pending.key(of: verdict), value: value.bytes,
        timestamp: Timestamps.kept(verdict.timestamp))
    }
    pending.removeAll()
  }

  /// Sends the record to the dead letters. If it is too large for their topic, the dead letter has
  /// no value and its headers say where the record is.
  private mutating func bury(
    _ record: borrowing RecordView, _ failed: ExpectationSet, _ details: [EventDetail],
    _ task: Partition
  ) throws(StageError) {
    let original = record.copyHeaders()
    let isWhole = record.byteCount + original.byteCount <= largestLetter
    let headers = DeadLetter.headers(
      original: isWhole ? original : CopyLimit.headers(original), topic: source,
      partition: record.partition, offset: record.offset, failed: failed, details: details,
      isWhole: isWhole)
    let timestamp = Timestamps.kept(record.timestamp)
    if isWhole {
      try task.send(
        to: Self.deadLetters, key: record.key, value: record.value, headers: headers,
        timestamp: timestamp)
    } else {
      notes.countOversized()
      try CopyLimit.key(record.key).withSpan { (key) throws(StageError) in
        try task.send(
          to: Self.deadLetters, key: key, value: nil, headers: headers, timestamp: timestamp)
      }
    }
  }
}

/// Records keep the timestamp of the event record they come from, so that their age downstream is
/// the pipeline's freshness.
enum Timestamps {
  /// The timestamp to send with; `nil` (now) when the original has none.
  static func kept(_ timestamp: Int64) -> Int64? { timestamp >= 0 ? timestamp : nil }
}
