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
  public typealias State = PendingVerdicts
  public typealias Partition = PartitionTask<Store, Producer>

  private static var validated: StageOutput { IntakeOutputs.validated }
  private static var verdicts: StageOutput { IntakeOutputs.verdicts }
  private static var deadLetters: StageOutput { IntakeOutputs.deadLetters }

  /// The name of its input, which verdicts and dead letters tell.
  private let source: String
  /// The most bytes of an event that its dead letter can hold.
  private let largestLetter: Int
  private let movies: MovieTable<Consumer>
  private var validator = EventValidator()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()
  private var hasCaughtUp = false

  /// - Parameter letterLimit: `max.message.bytes` of the dead letters' topic.
  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, letterLimit: Int = 16 << 20
  ) throws(StageError) where Log.Consumer == Consumer {
    do throws(LogError) {
      movies = try MovieTable(log, topology: topology, clientID: clientID)
    } catch { throw .log(error) }
    source = topology[.userRatings]
    largestLetter = DeadLetter.most(letterLimit)
  }

  public mutating func makeState(_ task: Partition) throws(StageError) -> PendingVerdicts {
    PendingVerdicts()
  }

  public mutating func beginBatch() throws(StageError) {
    hasCaughtUp = false
    do throws(LogError) { try movies.poll() } catch { throw .log(error) }
  }

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout PendingVerdicts, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &state, task) }
  }

  private mutating func take(
    _ record: borrowing RecordView, _ state: inout PendingVerdicts, _ task: Partition
  ) throws(StageError) {
    let source = SourceCoordinates(partition: record.partition, offset: record.offset)
    let verdict = validator.validate(
      value: record.value, recordTimestampMilliseconds: record.timestamp, source: source)
    var failures: ExpectationSet = []
    switch verdict {
    case .valid(let event): try forward(event, timestamp: record.timestamp, task)
    case .invalid(let failed, let detail):
      failures = failed
      try bury(record, failed, detail: detail, task)
    }
    state.append(
      failed: failures, source: source, key: record.key, timestamp: record.timestamp)
    if state.isFull { try send(&state, task) }
  }

  public mutating func closeBatch(_ state: inout PendingVerdicts, _ task: Partition)
    throws(StageError)
  {
    try send(&state, task)
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
        failed: verdict.failed, topic: source, source: verdict.source, to: &value)
      try task.send(
        to: Self.verdicts, key: pending.key(of: verdict), value: value.bytes,
        timestamp: Timestamps.kept(verdict.timestamp))
    }
    pending.removeAll()
  }

  /// Sends the record to the dead letters. If it is too large for their topic, the dead letter has
  /// no value and its headers say where the record is.
  private mutating func bury(
    _ record: borrowing RecordView, _ failed: ExpectationSet, detail: JSONError?, _ task: Partition
  ) throws(StageError) {
    let original = record.copyHeaders()
    let isWhole = record.byteCount + original.byteCount <= largestLetter
    let headers = DeadLetter.headers(
      original: isWhole ? original : CopyLimit.headers(original), topic: source,
      partition: record.partition, offset: record.offset, failed: failed, detail: detail,
      isWhole: isWhole)
    let timestamp = Timestamps.kept(record.timestamp)
    if isWhole {
      try task.send(
        to: Self.deadLetters, key: record.key, value: record.value, headers: headers,
        timestamp: timestamp)
    } else {
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
