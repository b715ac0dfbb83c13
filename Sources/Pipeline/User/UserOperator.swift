public import EventLog
public import StateStore
public import Streams
import Recommender

/// Folds each user's ratings into the user's aggregate: a new rating counts, a re-rating replaces,
/// `rating: null` takes back. Tells the movie stage each change, and everyone the new features.
public struct UserOperator<Store: StateStore, Producer: LogProducer>: StageOperator, ~Copyable {
  public typealias Working = UserWorking
  public typealias Partition = PartitionTask<Store, Producer>

  /// Outputs by index.
  public static var outputs: [String] {
    [Topics.userFeatures, Topics.ratingsByMovie, Topics.validationResults]
  }
  private static var features: Int { 0 }
  private static var changes: Int { 1 }
  private static var verdicts: Int { 2 }

  private let directory: PartitionDirectory<Store>
  private let worker: Int?
  private let source: SourceTopic
  private var parser = CanonicalEventParser()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()
  private var encoded: [UInt8] = []

  /// - Parameters:
  ///   - directory: told the partitions owned, for the predict stage.
  ///   - worker: the stage's thread, where it has several.
  ///   - log: where `user-ratings` is looked at when its events seem to be repeats.
  public init<Log: EventLog>(
    _ log: Log, clientID: String, directory: PartitionDirectory<Store>, worker: Int? = nil
  ) {
    self.directory = directory
    self.worker = worker
    source = SourceTopic(Topics.userRatings, in: log, clientID: clientID)
  }

  public mutating func partitionsChanged(_ tasks: [Partition]) {
    directory.replace(
      tasks.compactMap { task in task.store.map { (task.partition, $0) } }, of: worker)
  }

  public mutating func makeWorking(_ task: Partition) throws(StageError) -> UserWorking {
    let key = UserTables.genresKey
    let stored: Result<GenreDictionary, CodecError>? = try task.get(
      UserTables.genres, key.span.bytes
    ) { value in
      guard let value else { return nil }
      do throws(CodecError) { return .success(try GenreDictionary(decoding: value)) } catch {
        return .failure(error)
      }
    }
    return UserWorking(
      genres: try Stored.value(stored, of: task.source) ?? GenreDictionary(),
      sources: try SourcePositions(task, table: UserTables.sources, of: source))
  }

  // MARK: Events

  public mutating func process(
    _ record: borrowing RecordView, _ working: inout UserWorking, _ task: Partition
  ) throws(StageError) {
    guard let value = record.value else { return }
    let event: RatingEvent
    let genres: GenreSet
    do throws(RecordError) {
      (event, genres) = try parser.parse(value, numbering: &working.genres)
    } catch {
      // Written by someone else than intake. It has no verdict to contradict and no effect.
      return
    }
    guard
      try working.sources.advance(
        partition: event.source.partition, offset: event.source.offset, timestamp: record.timestamp)
    else { return }
    guard event.type == .rating, let movie = event.movie else { return }
    let new = event.rating.map {
      UserRating(
        timed: TimedRating(rating: $0, timeMilliseconds: event.timeMilliseconds), genres: genres)
    }
    let user = try userNumber(event.user, &working, task)
    let row = try ratingNumber(user: user, movie: movie, &working, task)
    let old = working.ratings[row].current
    guard new != old else {
      // The same rating twice, or one taken back that was not there: nothing changes.
      if new != nil { try sendDuplicateVerdict(event, record, task) }
      return
    }
    working.ratings[row].current = new
    working.ratings[row].isChanged = true
    working.noteChanged(user: user)
    if old == nil { working.users[user].aggregate.noteRated(movie) }
    // Events of one user can arrive in another order than that of their records' times.
    working.users[user].recordTimestamp = max(
      working.users[user].recordTimestamp, record.timestamp)
    working.users[user].eventTime = event.timeMilliseconds
    let mustRescan = working.users[user].aggregate.apply(
      old: old?.timed, oldGenres: old?.genres ?? GenreSet(), new: new?.timed, newGenres: genres)
    if mustRescan { try rescanTimes(user, &working, task) }
    working.changes.append(
      UserWorking.Change(
        change: RatingChange(
          movie: movie, user: event.user, old: old?.timed, new: new?.timed,
          source: SourceCoordinates(partition: task.partition, offset: record.offset)),
        timestamp: record.timestamp))
    if working.hasManyChanges { try sendChanges(&working, task) }
  }

  private mutating func userNumber(_ user: Int64, _ working: inout UserWorking, _ task: Partition)
    throws(StageError) -> Int
  {
    if let number = working.userIndex[user] { return number }
    let key = StoreKey(user)
    let stored: Result<UserAggregate, CodecError>? = try task.get(UserTables.aggregates, key.span) {
      value in
      guard let value else { return nil }
      do throws(CodecError) { return .success(try UserAggregate(decoding: value)) } catch {
        return .failure(error)
      }
    }
    return working.insert(user, try Stored.value(stored, of: task.source) ?? UserAggregate())
  }

  private mutating func ratingNumber(
    user number: Int, movie: Int64, _ working: inout UserWorking, _ task: Partition
  ) throws(StageError) -> Int {
    let user = working.users[number].user
    if let row = working.ratingIndex[UserWorking.RatingKey(user: user, movie: movie)] { return row }
    guard working.users[number].aggregate.mayHaveRated(movie) else {
      return working.insert(user: number, movie: movie, nil)
    }
    let key = StoreKey(user, movie)
    let stored: Result<UserRating, CodecError>? = try task.get(UserTables.ratings, key.span) {
      value in
      guard let value else { return nil }
      do throws(CodecError) { return .success(try UserRating(decoding: value)) } catch {
        return .failure(error)
      }
    }
    return working.insert(user: number, movie: movie, try Stored.value(stored, of: task.source))
  }

  /// Shows the aggregate all times again, after the first or last one was taken away: the stored
  /// rows, with the batch's own in the place of those it has touched.
  private mutating func rescanTimes(_ number: Int, _ working: inout UserWorking, _ task: Partition)
    throws(StageError)
  {
    let user = working.users[number].user
    var aggregate = working.users[number].aggregate
    aggregate.resetTimes()
    var row = working.users[number].lastRating
    while row >= 0 {
      if let rating = working.ratings[row].current {
        aggregate.noteTime(rating.timed.timeMilliseconds)
      }
      row = working.ratings[row].previous
    }
    var failure: CodecError?
    let key = StoreKey(user)
    let touched = working.ratingIndex
    try task.scan(UserTables.ratings, prefix: key.span) { key, value in
      guard let movie = StoreKey.decodePair(key)?.second,
        touched[UserWorking.RatingKey(user: user, movie: movie)] == nil
      else { return true }
      do throws(CodecError) {
        aggregate.noteTime(try UserRating(decoding: value).timed.timeMilliseconds)
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw Stored.unreadable(failure, of: task.source) }
    working.users[number].aggregate = aggregate
  }

  private mutating func sendChanges(_ working: inout UserWorking, _ task: Partition)
    throws(StageError)
  {
    for pending in working.changes {
      key.removeAll()
      key.integer(pending.change.movie)
      value.removeAll()
      pending.change.write(to: &value)
      try task.send(
        to: Self.changes, key: key.bytes, value: value.bytes,
        timestamp: Timestamps.kept(pending.timestamp))
    }
    working.changes.removeAll(keepingCapacity: true)
  }

  private mutating func sendDuplicateVerdict(
    _ event: borrowing RatingEvent, _ record: borrowing RecordView, _ task: Partition
  ) throws(StageError) {
    value.removeAll()
    writeVerdict(
      failed: [.ratingUnique], topic: Topics.userRatings, source: event.source, to: &value)
    try task.send(
      to: Self.verdicts, key: record.key, value: value.bytes,
      timestamp: Timestamps.kept(record.timestamp))
  }

  // MARK: Batch

  public mutating func publish(_ working: inout UserWorking, _ task: Partition) throws(StageError) {
    for number in working.unpublished {
      working.users[number].isUnpublished = false
      try sendFeatures(working.users[number], working.genres, task)
    }
    working.unpublished.removeAll(keepingCapacity: true)
  }

  public mutating func closeBatch(_ working: inout UserWorking, _ task: Partition)
    throws(StageError)
  {
    for rating in working.ratings where rating.isChanged {
      let key = StoreKey(rating.user, rating.movie)
      guard let current = rating.current else {
        try task.put(UserTables.ratings, key.span, nil)
        continue
      }
      encoded.removeAll(keepingCapacity: true)
      current.encode(into: &encoded)
      try put(UserTables.ratings, key, task)
    }
    for number in working.users.indices where working.users[number].isChanged {
      try putAggregate(working.users[number], task)
    }
    try publish(&working, task)
    try sendChanges(&working, task)
    if working.genres.names.count > working.storedGenres {
      encoded.removeAll(keepingCapacity: true)
      working.genres.encode(into: &encoded)
      let key = UserTables.genresKey
      try task.put(UserTables.genres, key.span.bytes, encoded.span.bytes)
      working.storedGenres = working.genres.names.count
    }
    try working.sources.put(task)
    working.removeAll()
  }

  private mutating func putAggregate(_ user: borrowing UserWorking.User, _ task: Partition)
    throws(StageError)
  {
    let key = StoreKey(user.user)
    guard user.aggregate.statistics.count > 0 else {
      try task.put(UserTables.aggregates, key.span, nil)
      return
    }
    encoded.removeAll(keepingCapacity: true)
    user.aggregate.encode(into: &encoded)
    try put(UserTables.aggregates, key, task)
  }

  private mutating func sendFeatures(
    _ user: borrowing UserWorking.User, _ genres: borrowing GenreDictionary, _ task: Partition
  ) throws(StageError) {
    key.removeAll()
    key.integer(user.user)
    let timestamp = Timestamps.kept(user.recordTimestamp)
    guard user.aggregate.statistics.count > 0 else {
      try task.send(to: Self.features, key: key.bytes, value: nil, timestamp: timestamp)
      return
    }
    value.removeAll()
    UserFeatures(
      user: user.user, aggregate: user.aggregate, genres: genres,
      eventTimeMilliseconds: user.eventTime
    ).write(to: &value)
    try task.send(to: Self.features, key: key.bytes, value: value.bytes, timestamp: timestamp)
  }

  private mutating func put(_ table: Table, _ key: borrowing StoreKey, _ task: Partition)
    throws(StageError)
  {
    try task.put(table, key.span, encoded.span.bytes)
  }
}
