import Codecs
public import Ratings
public import StateStore
public import Streams

extension UserRating: StoredValue {}

extension UserAggregate: StateValue {}

extension Retractions: StateValue {
  public var isEmpty: Bool { events.isEmpty }
}

extension KeptOut: StateValue {
  public var isEmpty: Bool { statements.isEmpty }
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
  }

  /// A change waiting to be sent with others. The movie stage batches changes anyway, and without
  /// transactions every record sent alone costs the broker a request.
  struct PendingChange {
    let change: RatingChange
    /// The event record's; -1 for none.
    let timestamp: Int64
  }

  private static let mostChanges = 64

  /// Numbers the genres of events. Every event needs it and only the first few of a partition add
  /// to it, so it stays decoded between batches.
  var genres: GenreDictionary
  private var storedGenres: StateTable<GenresKey, GenreDictionary>
  private var storedGenreCount: Int
  private(set) var users: StateTable<UserKey, UserAggregate>
  private(set) var ratings: StateTable<RatingKey, UserRating?>
  private var retractions: StateTable<RatingKey, Retractions>
  private var keptOut: StateTable<RatingKey, KeptOut>
  /// What is left to do of a state of an earlier version.
  var refold: UserRefold?
  /// By row of `users`.
  private(set) var activity: [Activity] = []
  /// Rows of the users with `isUnpublished`, in the order in which they changed.
  private(set) var unpublished: [Int] = []
  private var changes: [PendingChange] = []

  init<Store, Producer>(_ task: PartitionTask<Store, Producer>) throws(StageError) {
    storedGenres = StateTable(UserTables.genres, of: task)
    genres = try storedGenres.get(GenresKey())
    storedGenreCount = genres.names.count
    refold = try UserRefold(task)
    users = StateTable(
      refold == nil ? UserTables.aggregates : UserTables.refoldAggregates, of: task)
    ratings = StateTable(UserTables.ratings, of: task)
    retractions = StateTable(UserTables.retractions, of: task)
    keptOut = StateTable(UserTables.keptOut, of: task)
  }

  // MARK: Ratings

  /// Applies a statement to what stands.
  ///
  /// - Returns: what it has done, with the user's row and what stood before.
  mutating func apply(_ statement: RatingStatement) throws(StageError) -> Applied {
    let user = try row(ofUser: statement.user)
    let row = try row(ofRating: statement, user: user)
    var statement = statement
    let (isRetracted, naming) = try noteRetraction(&statement, row)
    let stored = ratings[row]
    // What an earlier version has counted does not stand until the log says so again.
    let old = refold != nil && stored?.isByArrival == true ? nil : stored
    let effect = statement.effect(
      on: old, isRetracted: isRetracted, runnerUp: try runnerUp(to: old, statement, row))
    if !isRetracted, let loser = statement.loser(to: old, effect) { try keepOut(loser, row) }
    switch effect {
    case .late: break
    case .repeated(let new): if new != stored { ratings[row] = new }
    case .change(let new):
      ratings[row] = new
      if refold != nil {
        try refold?.noteChange(
          ratings.key(of: row), from: stored, to: new, isFirst: old == nil)
      }
      if users[user].apply(old: old, new: new, movie: statement.movie) {
        try rescanTimes(ofUser: user)
      }
    }
    return Applied(effect: effect, old: old, user: user, naming: naming)
  }

  /// What a statement has done.
  struct Applied {
    let effect: RatingEffect
    let old: UserRating?
    /// The row of the user.
    let user: Int
    let naming: Retractions.Naming

    /// The rule that the event fails, now that it is known what stood.
    var failed: Expectation? {
      switch (naming, effect) {
      case (.refused, _): .retractsCount
      // A take-back that names its event has an effect even when it is not the newest.
      case (.new, _), (_, .change): nil
      case (_, .late): .ratingNewest
      case (_, .repeated): .ratingUnique
      }
    }
  }

  /// The row of a user.
  private mutating func row(ofUser user: Int64) throws(StageError) -> Int {
    let row = try users.row(of: UserKey(user: user))
    if row == activity.count { activity.append(Activity()) }
    return row
  }

  /// The row of a rating. For most, the aggregate's filter saves the store look-up.
  private mutating func row(ofRating statement: RatingStatement, user: Int)
    throws(StageError) -> Int
  {
    try ratings.row(
      of: RatingKey(user: statement.user, movie: statement.movie),
      mayBeStored: refold != nil || users[user].mayHaveRated(statement.movie))
  }

  /// Notes the event that a statement names.
  ///
  /// - Returns: whether the statement's own event was taken back by name, and what became of the
  ///   name that it gives.
  private mutating func noteRetraction(_ statement: inout RatingStatement, _ row: Int)
    throws(StageError) -> (isRetracted: Bool, naming: Retractions.Naming)
  {
    let isMarked = ratings[row]?.hasRetractions ?? false
    guard isMarked || statement.retracts != nil else { return (false, .none) }
    let list = try retractions.row(of: ratings.key(of: row))
    var named = retractions[list]
    let naming = named.take(&statement)
    if naming == .new { retractions[list] = named }
    if !isMarked, ratings[row] != nil { ratings[row]?.hasRetractions = true }
    return (named.contains(statement.said.source), naming)
  }

  /// The newest statement that stands if this one takes back by name what stood.
  private mutating func runnerUp(to old: UserRating?, _ statement: RatingStatement, _ row: Int)
    throws(StageError) -> UserRating?
  {
    guard statement.retracts(old) else { return nil }
    let key = ratings.key(of: row)
    return try keptOut.get(key).newest(besides: try retractions.get(key))
  }

  private mutating func keepOut(_ loser: UserRating, _ row: Int) throws(StageError) {
    let row = try keptOut.row(of: ratings.key(of: row))
    if !keptOut[row].contains(loser.source) { keptOut[row].insert(loser) }
  }

  /// Shows the aggregate all that stands, after the first or last time is gone.
  private mutating func rescanTimes(ofUser row: Int) throws(StageError) {
    var aggregate = users[row]
    aggregate.resetTimes()
    let isFolding = refold != nil
    try ratings.scan(prefix: users.key(of: row)) { (_, rating) throws(StageError) in
      if let rating, !isFolding || !rating.isByArrival { aggregate.note(rating) }
      return true
    }
    users[row] = aggregate
  }

  // MARK: Outputs

  /// Notes that a user has changed.
  mutating func noteChange(ofUser row: Int, recordTimestamp: Int64) {
    // A user's events don't always arrive in the order of their records' times.
    activity[row].recordTimestamp = max(activity[row].recordTimestamp, recordTimestamp)
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
    try retractions.writeChanges()
    try keptOut.writeChanges()
    try refold?.writeChanges()
    activity.removeAllOfBatch()
  }
}

// MARK: Folding an earlier version's state again

extension UserPartition {
  /// Notes that the fold has got on.
  mutating func noteFolded(to offset: Int64) {
    refold?.reach(offset)
    refold?.keepProgress()
  }

  /// Takes the state as it is for one of this version.
  mutating func keepWhatStands() throws(StageError) { try refold?.finish() }

  /// Hands the next corrections to `send` and counts them as sent.
  ///
  /// - Returns: whether there were any.
  mutating func sendCorrections(
    atMost limit: Int,
    _ send: (_ key: RatingKey, _ counted: UserRating, _ new: UserRating, _ number: Int64)
      throws(StageError) -> Void
  ) throws(StageError) -> Bool {
    guard let counted = try refold?.nextCounted(atMost: limit), !counted.isEmpty else {
      return false
    }
    for (key, old) in counted {
      guard let number = refold?.settle(key), let new = try ratings.get(key) else { continue }
      try send(key, old, new, number)
    }
    refold?.keepProgress()
    return true
  }

  /// Moves aggregates from where they were folded again to where they belong.
  ///
  /// - Parameter publish: called with each.
  /// - Returns: whether there were any.
  mutating func adoptAggregates(
    atMost limit: Int, _ publish: (Int64, borrowing UserAggregate) throws(StageError) -> Void
  ) throws(StageError) -> Bool {
    var found: [(UserKey, UserAggregate)] = []
    try users.scan { (key, aggregate) throws(StageError) in
      found.append((key, aggregate))
      return found.count < limit
    }
    for (key, aggregate) in found {
      refold?.adopt(key, aggregate)
      users.remove(key)
      try publish(key.user, aggregate)
    }
    return !found.isEmpty
  }
}
