import Ratings
import Recommender
import StateStore
import Streams

/// A request that waits for the end of its batch, with what its answer is computed from.
struct PendingRequest {
  var request: RecommendationRequest
  var received: ContinuousClock.Instant
  /// When the user asked, in milliseconds since 1970.
  var moment: Int64
  var state: UserState
  /// The model to answer with; `nil` if the request names none and none is promoted.
  var model: ServingModel?
}

/// The contents of a batch, which move with it from type to type. The memory is reused for the next
/// batch.
struct BatchContents<Destination> {
  var requests: [PendingRequest] = []
  /// The ratings of all the requests' users; `UserState.ratings` says which are whose.
  var ratings: [MovieRating] = []
  /// Where each request's reply goes.
  var destinations: [Destination] = []

  mutating func removeAll() {
    requests.removeAll(keepingCapacity: true)
    ratings.removeAll(keepingCapacity: true)
    destinations.removeAll(keepingCapacity: true)
  }
}

/// The requests of one open batch, in order of arrival.
///
/// Answering takes three types, each of which consumes the one before, so steps can't be taken out
/// of order: a `RequestBatch` is scored into a `ScoredBatch`, which has the personal lists; that is
/// completed to an `AnsweredBatch`, which has a list for everyone and makes the replies; and that
/// is emptied into the next `RequestBatch`.
struct RequestBatch<Destination>: ~Copyable {
  private var contents: BatchContents<Destination>

  init() { contents = BatchContents() }

  /// - Parameter contents: an earlier batch's, emptied, for its memory.
  init(reusing contents: BatchContents<Destination>) {
    precondition(contents.requests.isEmpty)
    self.contents = contents
  }

  var isEmpty: Bool { contents.requests.isEmpty }

  mutating func removeAll() { contents.removeAll() }

  /// Adds a request if its user's state can be read.
  ///
  /// - Parameters:
  ///   - moment: when the user asked, in milliseconds since 1970.
  ///   - model: the model to answer with; `nil` for none.
  /// - Returns: false if the state holds a value that can't be read; see `UserStateView.failure`.
  mutating func add<Store>(
    _ request: RecommendationRequest, received: ContinuousClock.Instant, moment: Int64,
    model: ServingModel?,
    from view: inout UserStateView<Store>, to destination: Destination
  ) throws(StageError) -> Bool {
    guard let state = try view.read(request.user, into: &contents.ratings) else { return false }
    contents.requests.append(
      PendingRequest(
        request: request, received: received, moment: moment, state: state, model: model))
    contents.destinations.append(destination)
    return true
  }

  /// Ranks the movies personally for every request that a model has an answer to.
  ///
  /// - Parameter atLeast: how many movies to rank even for those who want fewer.
  consuming func scored(
    by rankers: inout ModelRankers, _ catalog: some Catalog, atLeast: Int = 1
  ) -> ScoredBatch<Destination> {
    let lists = rankers.rank(contents.requests, contents.ratings, catalog, atLeast: atLeast) {
      $0.model
    }
    return ScoredBatch(contents, lists, atLeast: atLeast)
  }
}
