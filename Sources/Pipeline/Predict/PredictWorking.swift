public import StateStore
public import Streams
import Recommender

/// A view of one user partition's store, moved to the last commit once a batch.
public struct PredictWorking<Store: StateStore>: PartitionState {
  private let snapshot: Store.Snapshot?
  private var offset: Int64 = 0
  private var isCurrent = false
  private var genres = GenreDictionary()
  /// What `genres` was read from: it hardly ever changes.
  private var encodedGenres: [UInt8] = []
  /// Why the last `read` gave nothing.
  private(set) var failure: CodecError?

  init(_ snapshot: Store.Snapshot?) {
    self.snapshot = snapshot
    snapshot?.release()
  }

  public mutating func writeTables() {}

  /// Lets go of the view between batches: a view kept open makes the store keep, and grow by,
  /// everything that has changed since.
  mutating func release() {
    guard isCurrent else { return }
    snapshot?.release()
    isCurrent = false
  }

  /// Reads what a user's recommendations depend on.
  ///
  /// - Parameter ratings: where the user's ratings are appended, by rising movie id.
  /// - Returns: `nil` when the store holds a value that can't be read; `failure` then says why.
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
          ratings.append(MovieRating(movie: movie, rating: try UserRating(decoding: value).timed))
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
  /// Offset of the first event of the user's partition that is not in this state.
  var offset: Int64
  /// Where in the batch's ratings the user's are.
  var ratings: Range<Int>
  var features = ReplyFeatures()
}
