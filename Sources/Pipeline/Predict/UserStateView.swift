import Codecs
import Ratings
import Recommender
public import StateStore
public import Streams

/// Reads users' state from one user partition's store, as of the last commit when the batch first
/// looked.
public struct UserStateView<Store: StateStore>: PartitionState {
  private let snapshot: Store.Snapshot?
  private var offset: Int64 = 0
  private var isCurrent = false
  private var genres = GenreDictionary()
  /// The bytes that `genres` was decoded from: it hardly ever changes.
  private var encodedGenres: [UInt8] = []
  /// Why the last `read` returned `nil`.
  private(set) var failure: CodecError?

  /// - Parameter snapshot: of the partition's store; `nil` reads every user as one without ratings.
  init(_ snapshot: Store.Snapshot?) {
    self.snapshot = snapshot
    snapshot?.release()
  }

  public mutating func writeTables() {}

  /// Releases the snapshot between batches: an open one makes the store keep, and grow by, all that
  /// has changed since.
  mutating func release() {
    guard isCurrent else { return }
    snapshot?.release()
    isCurrent = false
  }

  /// Reads what a user's recommendations depend on.
  ///
  /// - Parameter ratings: the user's ratings are appended to them, by rising movie id.
  /// - Returns: `nil` if the store holds a value that can't be read; `failure` then says why.
  mutating func read(_ user: Int64, into ratings: inout [MovieRating])
    throws(StageError) -> UserState?
  {
    let start = ratings.count
    var state = UserState(offset: 0, ratings: start..<start)
    guard let snapshot else { return state }
    failure = nil
    do throws(StoreError) {
      if !isCurrent { try snapshot.renew() }
    } catch { throw .store(error) }
    if !isCurrent {
      isCurrent = true
      offset = try snapshot.inputOffset() ?? 0
      try readGenres(snapshot)
    }
    state.offset = offset
    try readRatings(of: user, snapshot, &ratings)
    state.ratings = start..<ratings.count
    if !state.ratings.isEmpty { state.features = try readFeatures(of: user, snapshot) }
    guard failure == nil else {
      ratings.removeSubrange(start...)
      return nil
    }
    return state
  }

  private mutating func readRatings(
    of user: Int64, _ snapshot: Store.Snapshot, _ ratings: inout [MovieRating]
  ) throws(StageError) {
    let key = StoreKey(user)
    let length = key.span.byteCount
    var failure: CodecError?
    do throws(StoreError) {
      try snapshot.scan(UserTables.ratings, prefix: key.span) { key, value in
        guard let movie = StoreKey.decode(key.extracting(droppingFirst: length)) else {
          return true
        }
        do throws(CodecError) {
          if let rating = try UserRating(decoding: value).timed {
            ratings.append(MovieRating(movie: movie, rating: rating))
          }
          return true
        } catch {
          failure = error
          return false
        }
      }
    } catch { throw .store(error) }
    if let failure { self.failure = failure }
  }

  private mutating func readFeatures(of user: Int64, _ snapshot: Store.Snapshot)
    throws(StageError) -> ReplyFeatures
  {
    let key = StoreKey(user)
    var failure: CodecError?
    let genres = self.genres
    let features: ReplyFeatures
    do throws(StoreError) {
      features = try snapshot.get(UserTables.aggregates, key.span) { value in
        guard let value else { return ReplyFeatures() }
        do throws(CodecError) {
          return ReplyFeatures(try UserAggregate(decoding: value), genres: genres)
        } catch {
          failure = error
          return ReplyFeatures()
        }
      }
    } catch { throw .store(error) }
    if let failure { self.failure = failure }
    return features
  }

  private mutating func readGenres(_ snapshot: Store.Snapshot) throws(StageError) {
    let key = UserTables.genresKey
    let known = encodedGenres
    let new: [UInt8]?
    do throws(StoreError) {
      new = try snapshot.get(UserTables.genres, key.span.bytes) { (value) -> [UInt8]? in
        guard let value, !value.withUnsafeBytes({ $0.elementsEqual(known) }) else { return nil }
        return [UInt8](copying: value)
      }
    } catch { throw .store(error) }
    guard let new else { return }
    do throws(CodecError) {
      genres = try GenreDictionary(decoding: new.span.bytes)
      encodedGenres = new
    } catch { failure = error }
  }
}

/// What a user's recommendations depend on.
struct UserState {
  /// The offset of the first event of the user's partition that is not in this state.
  var offset: Int64
  /// The user's part of the batch's ratings.
  var ratings: Range<Int>
  var features = ReplyFeatures()
}
