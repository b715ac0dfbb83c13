import Codecs
public import EventLog
import Ratings
public import StateStore
public import Streams

/// Folds the changes of ratings into each movie's aggregate and publishes the movie's features.
///
/// A movie's quality score depends on the mean of all movies (`CatalogPrior`), which every rating
/// moves. A changed movie is published with the prior its batch began with; `RefreshSchedule`
/// decides when all movies are published again under the newest one.
public struct MovieOperator<
  Store: StateStore, Producer: LogProducer, Consumer: LogConsumer
>: StageOperator, ~Copyable {
  public typealias Working = MovieWorking
  public typealias Partition = PartitionTask<Store, Producer>

  private static var features: StageOutput { MovieOutputs.features }

  private let quality: QualityTable<Consumer>
  private let source: SourceTopic
  private var schedule: RefreshSchedule
  private let now: () -> ContinuousClock.Instant
  private var prior: CatalogPrior
  private var parser = RatingChangeParser()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()
  private var encoded: [UInt8] = []

  /// - Parameter now: paces the refreshes; what they publish does not depend on it.
  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, refreshInterval: Duration,
    now: @escaping () -> ContinuousClock.Instant
  ) throws(StageError) where Log.Consumer == Consumer {
    do throws(LogError) {
      quality = try QualityTable(log, topology: topology, clientID: clientID)
    } catch { throw .log(error) }
    source = SourceTopic(topology[.validatedRatings], in: log, clientID: clientID)
    prior = quality.prior
    schedule = RefreshSchedule(interval: refreshInterval)
    self.now = now
  }

  public mutating func makeWorking(_ task: Partition) throws(StageError) -> MovieWorking {
    schedule.noteNewMovies()
    return MovieWorking(sources: try SourcePositions(task, table: MovieTables.sources, of: source))
  }

  public mutating func beginBatch() throws(StageError) {
    do throws(LogError) { try quality.poll() } catch { throw .log(error) }
    prior = quality.prior
  }

  // MARK: Events

  public mutating func process(
    _ records: borrowing RecordRun, _ working: inout MovieWorking, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &working, task) }
  }

  private mutating func take(
    _ record: borrowing RecordView, _ working: inout MovieWorking, _ task: Partition
  ) throws(StageError) {
    // A record that is none of the user stage's has no effect.
    guard let value = record.value, let change = try? parser.parse(value) else { return }
    guard
      try working.sources.advance(
        partition: change.source.partition, offset: change.source.offset,
        timestamp: record.timestamp)
    else { return }
    let number = try movieNumber(change.movie, &working, task)
    if let old = change.old {
      working.note(
        TimeJournal.Entry(milliseconds: old.timeMilliseconds, isRemoval: true), movie: number)
    }
    if let new = change.new {
      working.note(
        TimeJournal.Entry(milliseconds: new.timeMilliseconds, isRemoval: false), movie: number)
    }
    let timestamp = record.timestamp
    var mustRescan = false
    working.change(number) {
      mustRescan = $0.aggregate.apply(old: change.old, new: change.new)
      $0.recordTimestamp = max($0.recordTimestamp, timestamp)
      $0.eventTime = change.new?.timeMilliseconds ?? change.old?.timeMilliseconds ?? 0
    }
    if mustRescan { try rescanTimes(number, &working, task) }
    try shortenJournal(number, &working, task)
  }

  private mutating func movieNumber(
    _ movie: Int64, _ working: inout MovieWorking, _ task: Partition
  )
    throws(StageError) -> Int
  {
    if let number = working.movieIndex[movie] { return number }
    let key = StoreKey(movie)
    let stored: Result<MovieAggregate, CodecError>? = try task.get(
      MovieTables.aggregates, key.span
    ) { value in
      guard let value else { return nil }
      do throws(CodecError) { return .success(try MovieAggregate(decoding: value)) } catch {
        return .failure(error)
      }
    }
    return working.insert(movie, try Stored.value(stored, of: task.source) ?? MovieAggregate())
  }

  /// Shows the aggregate all times again, after the first or last one was taken away.
  private mutating func rescanTimes(
    _ number: Int, _ working: inout MovieWorking, _ task: Partition
  ) throws(StageError) {
    let remaining = try remainingTimes(number, working, task)
    working.change(number) {
      $0.aggregate.resetTimes()
      for time in remaining { $0.aggregate.noteTime(time) }
    }
  }

  /// Writes the times that remain in the place of a journal that mostly cancels itself. Decided
  /// after each event: decided once a batch, the state would depend on where batches end.
  private mutating func shortenJournal(
    _ number: Int, _ working: inout MovieWorking, _ task: Partition
  ) throws(StageError) {
    let remaining = working.movies[number].aggregate.statistics.count
    if remaining == 0 {
      working.replaceJournal(of: number, by: [])
    } else if working.movies[number].aggregate.journal.isWorthRewriting(remaining: remaining) {
      working.replaceJournal(of: number, by: try remainingTimes(number, working, task))
    }
  }

  /// Folds the stored journal of a movie and the batch's own entries.
  private func remainingTimes(_ number: Int, _ working: MovieWorking, _ task: Partition)
    throws(StageError) -> [Int64]
  {
    var times = RemainingTimes()
    var failure: CodecError?
    if !working.movies[number].replacesJournal {
      let key = StoreKey(working.movies[number].movie)
      try task.scan(MovieTables.times, prefix: key.span) { _, block in
        do throws(CodecError) {
          try TimeJournal.forEach(in: block) { times.apply($0) }
        } catch { failure = error }
        return failure == nil
      }
    }
    if let failure { throw Stored.unreadable(failure, of: task.source) }
    for entry in working.journal(of: number) { times.apply(entry) }
    return times.sorted
  }

  // MARK: Batch

  public mutating func closeBatch(_ working: inout MovieWorking, _ task: Partition)
    throws(StageError)
  {
    for number in working.movies.indices {
      try putJournal(number, working, task)
      let movie = working.movies[number]
      try put(movie, task)
      try publish(
        movie.movie, movie.aggregate, eventTime: movie.eventTime,
        timestamp: Timestamps.kept(movie.recordTimestamp), task)
    }
    try working.sources.put(task)
    if !working.movies.isEmpty { schedule.noteChange(under: prior, at: now()) }
    working.removeAll()
  }

  private mutating func putJournal(
    _ number: Int, _ working: borrowing MovieWorking, _ task: Partition
  )
    throws(StageError)
  {
    let movie = working.movies[number]
    var journal = movie.replacesJournal ? TimeJournal() : movie.storedJournal
    if movie.replacesJournal { try deleteJournal(movie, task) }
    encoded.removeAll(keepingCapacity: true)
    if let open = journal.openBlock {
      let key = StoreKey(movie.movie, open)
      let stored = try task.get(MovieTables.times, key.span) { block in
        if let block { block.withUnsafeBytes { [UInt8]($0) } } else { [UInt8]() }
      }
      encoded.append(contentsOf: stored)
    }
    var current: Int64?
    for entry in working.journal(of: number) {
      let block = journal.extend()
      if let full = current, full != block {
        try putEncoded(MovieTables.times, StoreKey(movie.movie, full), task)
        encoded.removeAll(keepingCapacity: true)
      }
      current = block
      TimeJournal.append(entry, to: &encoded)
    }
    guard let current else { return }
    try putEncoded(MovieTables.times, StoreKey(movie.movie, current), task)
  }

  /// Deletes the stored blocks that new ones do not overwrite.
  private mutating func deleteJournal(_ movie: MovieWorking.Movie, _ task: Partition)
    throws(StageError)
  {
    guard movie.storedJournal.entries > 0 else { return }
    let new = movie.aggregate.journal
    let first = new.entries == 0 ? 0 : new.lastBlock + 1
    for block in stride(from: first, through: movie.storedJournal.lastBlock, by: 1) {
      let key = StoreKey(movie.movie, block)
      try task.put(MovieTables.times, key.span, nil)
    }
  }

  private mutating func put(_ movie: borrowing MovieWorking.Movie, _ task: Partition)
    throws(StageError)
  {
    let key = StoreKey(movie.movie)
    guard movie.aggregate.statistics.count > 0 else {
      return try task.put(MovieTables.aggregates, key.span, nil)
    }
    encoded.removeAll(keepingCapacity: true)
    movie.aggregate.encode(into: &encoded)
    try putEncoded(MovieTables.aggregates, key, task)
  }

  private mutating func putEncoded(_ table: Table, _ key: borrowing StoreKey, _ task: Partition)
    throws(StageError)
  {
    try task.put(table, key.span, encoded.span.bytes)
  }

  private mutating func publish(
    _ movie: Int64, _ aggregate: borrowing MovieAggregate, eventTime: Int64, timestamp: Int64?,
    _ task: Partition
  ) throws(StageError) {
    key.removeAll()
    key.integer(movie)
    guard aggregate.statistics.count > 0 else {
      return try task.send(to: Self.features, key: key.bytes, value: nil, timestamp: timestamp)
    }
    value.removeAll()
    MovieFeatures(
      movie: movie, aggregate: aggregate, prior: prior, eventTimeMilliseconds: eventTime
    ).write(to: &value)
    try task.send(to: Self.features, key: key.bytes, value: value.bytes, timestamp: timestamp)
  }

  // MARK: Refresh

  public mutating func wantsRefresh() throws(StageError) -> Bool {
    do throws(LogError) { try quality.poll() } catch { throw .log(error) }
    return schedule.isDue(quality.prior, at: now())
  }

  public mutating func refresh(_ working: inout MovieWorking, _ task: Partition) throws(StageError)
  {
    schedule.noteRefresh(under: prior, at: now())
    var failure: StageError?
    let all: [UInt8] = []
    try task.scan(MovieTables.aggregates, prefix: all.span.bytes) { key, value in
      guard let movie = StoreKey.decode(key) else { return true }
      do throws(CodecError) {
        let aggregate = try MovieAggregate(decoding: value)
        do throws(StageError) {
          try publish(
            movie, aggregate, eventTime: aggregate.statistics.lastRatingMilliseconds ?? 0,
            timestamp: nil, task)
        } catch { failure = error }
      } catch {
        failure = Stored.unreadable(error, of: task.source)
      }
      return failure == nil
    }
    if let failure { throw failure }
  }
}
