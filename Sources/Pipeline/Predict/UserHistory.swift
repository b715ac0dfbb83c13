import Codecs
import EventLog
import Ratings
import Recommender

/// A user's ratings as of an offset, folded from `validated-ratings` by the rules that the user
/// stage folds by (`RatingStatement`).
///
/// It must see every record of the user's partition, other users' too: by the rules of earlier
/// versions, only all of them together tell which events are repeats.
struct UserHistory: ~Copyable {
  let user: Int64
  private let rules: FoldRules
  private var parser = CanonicalEventParser()
  private var genres = GenreDictionary()
  private var repeats = RepeatFilter()
  /// By movie, what stands by the rules of earlier versions.
  private var newest: [Int64: UserRating] = [:]
  /// By movie.
  private var folds: [Int64: StatementFold] = [:]

  init(user: Int64, by rules: FoldRules) {
    self.user = user
    self.rules = rules
  }

  /// The ratings that count, by rising movie id.
  var ratings: [MovieRating] {
    newest.merging(folds.compactMapValues(\.standing)) { $1 }
      .compactMap { movie, row in
        row.timed.map { MovieRating(movie: movie, rating: $0) }
      }.sorted { $0.movie < $1.movie }
  }

  /// Takes the next record.
  mutating func take(_ record: borrowing RecordView) {
    guard let value = record.value else { return }
    let event: RatingEvent
    let movieGenres: GenreSet
    // What is not an event has no effect on the state either.
    do throws(RecordError) {
      (event, movieGenres) = try parser.parse(
        value, recordTime: record.timestamp, numbering: &genres)
    } catch { return }
    guard let statement = RatingStatement(event, genres: movieGenres) else { return }
    switch rules {
    case .byArrival:
      guard repeats.isNew(event.source), statement.user == user else { return }
      newest[statement.movie] = statement.said
    case .byEventTime:
      guard statement.user == user else { return }
      folds[statement.movie, default: StatementFold()].take(statement)
    }
  }
}
