import Codecs
import Ratings
import Recommender

/// A user's ratings as of an offset, folded from `validated-ratings` by the rules that the user
/// stage folds by (`RatingStatement`).
///
/// It must see every record of the user's partition, other users' too: only all of them together
/// tell which events are repeats.
struct UserHistory: ~Copyable {
  let user: Int64
  private var parser = CanonicalEventParser()
  private var genres = GenreDictionary()
  private var repeats = RepeatFilter()
  /// By movie, the ratings in force.
  private var inForce: [Int64: UserRating] = [:]

  init(user: Int64) {
    self.user = user
  }

  /// The ratings that count, by rising movie id.
  var ratings: [MovieRating] {
    inForce.map { MovieRating(movie: $0.key, rating: $0.value.timed) }
      .sorted { $0.movie < $1.movie }
  }

  /// Takes the next record's value.
  mutating func take(_ value: RawSpan?) {
    guard let value else { return }
    let event: RatingEvent
    let movieGenres: GenreSet
    // What is not an event has no effect on the state either.
    do throws(RecordError) {
      (event, movieGenres) = try parser.parse(value, numbering: &genres)
    } catch { return }
    guard repeats.isNew(event.source),
      let statement = RatingStatement(event, genres: movieGenres), statement.user == user
    else { return }
    if case .change(_, let new) = statement.effect(on: inForce[statement.movie]) {
      inForce[statement.movie] = new
    }
  }
}
