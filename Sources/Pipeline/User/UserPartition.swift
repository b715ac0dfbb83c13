public import Streams
import Codecs
public import Ratings
public import StateStore

extension UserRating: StoredValue {}

extension UserAggregate: StateValue {
  public var isEmpty: Bool { statistics.count == 0 }
}

extension GenreDictionary: StateValue {
  public var isEmpty: Bool { names.isEmpty }
}

/// What the user stage keeps of one partition: its tables, and what the open batch has yet to send.
public struct UserPartition: PartitionState {
  /// What the batch has done to a user.
  struct Activity {
    /// Whether the user has changed since its features were last published.
    var isUnpublished = false
    /// Newest time of the records that changed the user.
    var recordTimestamp: Int64 = -1
    /// Time of the event that changed the user last.
    var eventTime: Int64 = 0
  }

  /// A change waiting to be sent with others. The movie stage batches changes anyway, and without
  /// transactions every record sent alone costs the broker a request.
  struct PendingChange {
    let change: RatingChange
    /// The event record's.
    let timestamp: Int64
  }

  private static let mostChanges = 64

  /// Numbers the genres of events. Every event needs it and only the first few of a partition add
  /// to it, so it stays decoded between batches.
  var genres: GenreDictionary
  private var storedGenres: StateTable<GenresKey, GenreDictionary>
  private var storedGenreCount: Int
  var sources: SourcePositions
  private(set) var users: StateTable<UserKey, UserAggregate>
  private(set) var ratings: StateTable<RatingKey, UserRating?>
  /// By row of `users`.
  private(set) var activity: [Activity] = []
  /// Rows of the users with `isUnpublished`, in the order in which they changed.
  private(set) var unpublished: [Int] = []
  private var changes: [PendingChange] = []

  init<Store, Producer>(_ task: PartitionTask<Store, Producer>, source: SourceTopic)
    throws(StageError)
  {
    storedGenres = StateTable(UserTables.genres, of: task)
    genres = try storedGenres.get(GenresKey())
    storedGenreCount = genres.names.count
    sources = try SourcePositions(task, table: UserTables.sources, of: source)
    users = StateTable(UserTables.aggregates, of: task)
    ratings = StateTable(UserTables.ratings, of: task)
  }

  // MARK: Ratings

  /// The row of a user.
  mutating func row(ofUser user: Int64) throws(StageError) -> Int {
    let row = try users.row(of: UserKey(user: user))
    if row == activity.count { activity.append(Activity()) }
    return row
  }

  /// The row of a rating. For most, the aggregate's filter saves the store look-up.
  mutating func row(ofRating statement: RatingStatement, user: Int) throws(StageError) -> Int {
    try ratings.row(
      of: RatingKey(user: statement.user, movie: statement.movie),
      mayBeStored: users[user].mayHaveRated(statement.movie))
  }

  /// Replaces a rating by another.
  mutating func change(
    rating row: Int, ofUser user: Int, movie: Int64, from old: UserRating?, to new: UserRating?
  ) throws(StageError) {
    ratings[row] = new
    if Self.apply(old, new, movie: movie, to: &users[user]) { try rescanTimes(ofUser: user) }
  }

  /// - Returns: whether the aggregate must be shown all times again.
  private static func apply(
    _ old: UserRating?, _ new: UserRating?, movie: Int64, to aggregate: inout UserAggregate
  ) -> Bool {
    if old == nil { aggregate.noteRated(movie) }
    return aggregate.apply(
      old: old?.timed, oldGenres: old?.genres ?? GenreSet(), new: new?.timed,
      newGenres: new?.genres ?? GenreSet())
  }

  /// Shows the aggregate every remaining time, after the first or last one was taken back.
  private mutating func rescanTimes(ofUser row: Int) throws(StageError) {
    var aggregate = users[row]
    aggregate.resetTimes()
    try ratings.scan(prefix: users.key(of: row)) { (_, rating) throws(StageError) in
      if let rating { aggregate.noteTime(rating.timed.timeMilliseconds) }
      return true
    }
    users[row] = aggregate
  }

  // MARK: Outputs

  /// Notes that a user has changed.
  mutating func noteChange(ofUser row: Int, eventTime: Int64, recordTimestamp: Int64) {
    // A user's events don't always arrive in the order of their records' times.
    activity[row].recordTimestamp = max(activity[row].recordTimestamp, recordTimestamp)
    activity[row].eventTime = eventTime
    guard !activity[row].isUnpublished else { return }
    activity[row].isUnpublished = true
    unpublished.append(row)
  }

  /// Notes that the features of all users have been published.
  mutating func notePublished() {
    for row in unpublished { activity[row].isUnpublished = false }
    unpublished.removeAllOfBatch()
  }

  /// Queues a change.
  ///
  /// - Returns: whether enough are waiting to send them.
  mutating func append(_ change: RatingChange, timestamp: Int64) -> Bool {
    changes.append(PendingChange(change: change, timestamp: timestamp))
    return changes.count >= Self.mostChanges
  }

  /// Hands the waiting changes to `send`, and forgets them.
  mutating func sendChanges(_ send: (borrowing PendingChange) throws(StageError) -> Void)
    throws(StageError)
  {
    for change in changes { try send(change) }
    changes.removeAll(keepingCapacity: true)
  }

  // MARK: Batch

  public mutating func writeTables() throws(StageError) {
    try ratings.writeChanges()
    try users.writeChanges()
    if genres.names.count > storedGenreCount {
      storedGenres.put(GenresKey(), genres)
      storedGenreCount = genres.names.count
    }
    try storedGenres.writeChanges()
    try sources.writeChanges()
    activity.removeAllOfBatch()
  }
}
