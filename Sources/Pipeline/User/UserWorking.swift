import Ratings
import StateStore

/// What one batch has read and changed of a partition of users.
///
/// Users and rows are found by dictionary and kept in arrays, in the order of their first
/// appearance; the rows of one user are chained, for the rare walk over all of a user's ratings.
public struct UserWorking {
  struct User {
    let user: Int64
    var aggregate: UserAggregate
    var isChanged = false
    /// Whether the features that are published are those of an earlier moment.
    var isUnpublished = false
    /// Newest time of the records that changed the user.
    var recordTimestamp: Int64 = -1
    /// Time of the event that changed the user last.
    var eventTime: Int64 = 0
    /// The user's newest row in `ratings`; -1 for none.
    var lastRating: Int = -1
  }

  struct Rating {
    let user: Int64
    let movie: Int64
    var current: UserRating?
    var isChanged = false
    /// The same user's row before this one; -1 for none.
    let previous: Int
  }

  struct RatingKey: Hashable {
    var user: Int64
    var movie: Int64

    /// One number instead of two: half the work of the hash. The factor is a secret, so that nobody
    /// can choose ids that collide.
    func hash(into hasher: inout Hasher) {
      hasher.combine(user &* Self.factor ^ movie)
    }

    private static let factor = Int64.random(in: .min ... .max) | 1
  }

  /// A change that waits to be sent together with others: the movie stage gathers them anyway, and
  /// without transactions each record that is sent alone costs the broker a request.
  struct Change {
    let change: RatingChange
    /// The event record's.
    let timestamp: Int64
  }

  private static let mostChanges = 64

  var genres: GenreDictionary
  var storedGenres: Int
  var sources: SourcePositions
  private(set) var userIndex: [Int64: Int] = [:]
  private(set) var ratingIndex: [RatingKey: Int] = [:]
  var users: [User] = []
  var ratings: [Rating] = []
  /// Numbers of the users with `isUnpublished`.
  var unpublished: [Int] = []
  var changes: [Change] = []

  var hasManyChanges: Bool { changes.count >= Self.mostChanges }

  init(genres: GenreDictionary, sources: SourcePositions) {
    self.genres = genres
    storedGenres = genres.names.count
    self.sources = sources
  }

  mutating func insert(_ user: Int64, _ aggregate: UserAggregate) -> Int {
    userIndex[user] = users.count
    users.append(User(user: user, aggregate: aggregate))
    return users.count - 1
  }

  mutating func insert(user number: Int, movie: Int64, _ current: UserRating?) -> Int {
    let user = users[number].user
    ratingIndex[RatingKey(user: user, movie: movie)] = ratings.count
    ratings.append(
      Rating(
        user: user, movie: movie, current: current, previous: users[number].lastRating))
    users[number].lastRating = ratings.count - 1
    return ratings.count - 1
  }

  mutating func noteChanged(user number: Int) {
    users[number].isChanged = true
    guard !users[number].isUnpublished else { return }
    users[number].isUnpublished = true
    unpublished.append(number)
  }

  /// Forgets the batch.
  mutating func removeAll() {
    userIndex.removeAllOfBatch()
    ratingIndex.removeAllOfBatch()
    users.removeAllOfBatch()
    ratings.removeAllOfBatch()
    unpublished.removeAllOfBatch()
    changes.removeAllOfBatch()
  }
}
