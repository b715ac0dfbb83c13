import Codecs
import Ratings
import Recommender

/// A user's ratings as of an offset, folded from `validated-ratings` by the rules of the user stage:
/// the last rating of each movie counts, null takes back, and an event that its stage upstream sent
/// twice counts once.
///
/// It must see every record of the user's partition, other users' too: which events are repeated
/// shows only in all of them.
struct UserHistory: ~Copyable {
  let user: Int64
  private var parser = CanonicalEventParser()
  private var genres = GenreDictionary()
  /// Of each partition of `user-ratings`, the newest event seen.
  private var newest: [Int32: Int64] = [:]
  private var current: [Int64: TimedRating] = [:]

  init(user: Int64) {
    self.user = user
  }

  /// The ratings that count, by rising movie id.
  var ratings: [MovieRating] {
    current.map { MovieRating(movie: $0.key, rating: $0.value) }.sorted { $0.movie < $1.movie }
  }

  /// Takes the next record's value.
  mutating func take(_ value: RawSpan?) {
    guard let value else { return }
    let event: RatingEvent
    // What is not an event has no effect on the state either.
    do throws(RecordError) { event = try parser.parse(value, numbering: &genres).event } catch {
      return
    }
    if let offset = newest[event.source.partition], event.source.offset <= offset { return }
    newest[event.source.partition] = event.source.offset
    guard event.user == user, event.type == .rating, let movie = event.movie else { return }
    current[movie] = event.rating.map {
      TimedRating(rating: $0, timeMilliseconds: event.timeMilliseconds)
    }
  }
}
