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
  /// By movie, what stands.
  private var standing: [Int64: UserRating] = [:]
  private var retractions: [Int64: Retractions] = [:]

  init(user: Int64, by rules: FoldRules) {
    self.user = user
    self.rules = rules
  }

  /// The ratings that count, by rising movie id.
  var ratings: [MovieRating] {
    standing.compactMap { movie, row in
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
    guard var statement = RatingStatement(event, genres: movieGenres) else { return }
    switch rules {
    case .byArrival:
      guard repeats.isNew(event.source), statement.user == user else { return }
      standing[statement.movie] = statement.said
    case .byEventTime:
      guard statement.user == user else { return }
      if statement.retracts != nil {
        _ = retractions[statement.movie, default: Retractions()].take(&statement)
      }
      let isRetracted = retractions[statement.movie]?.contains(event.source) ?? false
      switch statement.effect(on: standing[statement.movie], isRetracted: isRetracted) {
      case .change(let new), .repeated(let new): standing[statement.movie] = new
      case .late: break
      }
    }
  }
}
