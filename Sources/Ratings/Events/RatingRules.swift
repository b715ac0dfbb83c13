// The rules by which events become ratings. The user stage, `explain` and training share them:
//
// 1. An event at or below the newest offset of its source partition is a repeat, without effect.
// 2. Only an event of type rating that names a movie says anything of a rating.
// 3. What it says replaces the user's rating of the movie; null takes the rating back.
// 4. An event that says what already holds changes nothing. A rating said twice is a duplicate and
//    gets a verdict; taking back a rating that isn't there gets none.

/// What an event says of one user's rating of one movie.
public struct RatingStatement: Hashable, Sendable {
  public let user: Int64
  public let movie: Int64
  /// `nil` takes the rating back.
  public let rating: UserRating?

  /// - Parameter genres: the movie's, under which the rating is counted.
  /// - Returns: `nil` for an event that says nothing of a rating.
  public init?(_ event: borrowing RatingEvent, genres: GenreSet) {
    guard event.type == .rating, let movie = event.movie else { return nil }
    user = event.user
    self.movie = movie
    let time = event.timeMilliseconds
    rating = event.rating.map {
      UserRating(timed: TimedRating(rating: $0, timeMilliseconds: time), genres: genres)
    }
  }

  /// What it does to the rating in force.
  public func effect(on old: UserRating?) -> RatingEffect {
    if rating != old { return .change(old: old, new: rating) }
    return rating == nil ? .none : .duplicate
  }
}

/// What a statement does to the rating in force.
public enum RatingEffect: Hashable, Sendable {
  /// A first rating has no old one, and one taken back no new one.
  case change(old: UserRating?, new: UserRating?)
  /// The rating was in force already.
  case duplicate
  /// There was no rating to take back.
  case none
}

/// Tells repeats from new events, in one partition of a topic.
///
/// An upstream stage may send its outputs again after a crash. Each source partition's events
/// arrive in order, so one offset per source partition is enough.
public struct RepeatFilter: Sendable {
  private var newest: [Int32: Int64] = [:]

  public init() {}

  /// Notes an event, and returns false for a repeat.
  public mutating func isNew(_ source: SourceCoordinates) -> Bool {
    guard !Self.isRepeat(source.offset, after: newest[source.partition]) else { return false }
    newest[source.partition] = source.offset
    return true
  }

  /// Whether an event was seen before.
  ///
  /// - Parameter newest: the newest offset seen of its source partition, `nil` for none.
  public static func isRepeat(_ offset: Int64, after newest: Int64?) -> Bool {
    guard let newest else { return false }
    return offset <= newest
  }
}
