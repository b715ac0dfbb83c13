// The rules by which events become ratings. The user stage, `explain` and training share them:
//
// 1. Only an event of type rating that names a movie says anything of a rating.
// 2. Of what a user says of a movie, the newest stands, by event time (`UserRating.isLater`): a
//    rating, or that it is taken back. So it does not matter in which order events arrive, or how
//    often.
// 3. A take-back may name an event: that one then counts for nothing, whenever it comes, and even
//    if the take-back is taken back in turn. If it stood, the newest of what it kept out stands,
//    the take-back included (`KeptOut`). Rule 2 has one exception: of each user and movie there is
//    room for so many names (`Retractions.limit`), and those that come first have it. A take-back
//    with one name more counts as one that names nothing, and gets a verdict that says so.
// 4. An event that repeats what stands, or is older, changes nothing, and gets a verdict that says
//    so.

/// By which rules a state was folded.
public enum FoldRules: Int, Hashable, Sendable {
  /// Those of earlier versions: what arrived last stood, and events at or below the newest offset
  /// of their source partition were dropped.
  case byArrival = 1
  /// Those above.
  case byEventTime = 2

  public static let current = FoldRules.byEventTime
}

/// What an event says of one user's rating of one movie.
public struct RatingStatement: Hashable, Sendable {
  public let user: Int64
  public let movie: Int64
  /// The row that it makes if it stands.
  public let said: UserRating
  /// The event that it takes back by name.
  public internal(set) var retracts: SourceCoordinates?

  /// - Parameter genres: the movie's, under which the rating is counted.
  /// - Returns: `nil` for an event that says nothing of a rating.
  public init?(_ event: borrowing RatingEvent, genres: GenreSet) {
    guard event.type == .rating, let movie = event.movie else { return nil }
    user = event.user
    self.movie = movie
    retracts = event.retracts
    said = UserRating(
      rating: event.rating, timeMilliseconds: event.timeMilliseconds, genres: genres,
      source: event.source, recordTimeMilliseconds: event.recordTimeMilliseconds,
      hasRetractions: event.retracts != nil)
  }

  /// A statement that was read before.
  public init(user: Int64, movie: Int64, said: UserRating, retracts: SourceCoordinates?) {
    self.user = user
    self.movie = movie
    self.said = said
    self.retracts = retracts
  }

  /// Whether it takes back by name what stands.
  public func retracts(_ standing: UserRating?) -> Bool {
    retracts != nil && retracts == standing?.source
  }

  /// What it does to what stands.
  ///
  /// - Parameters:
  ///   - isRetracted: whether the event was taken back by name. What it takes back itself stays
  ///     taken back, as if it had come before.
  ///   - runnerUp: the newest of what is kept out; needed only where what stands is taken back by
  ///     name.
  public func effect(
    on standing: UserRating?, isRetracted: Bool = false, runnerUp: UserRating? = nil
  ) -> RatingEffect {
    guard let standing else { return .change(isRetracted ? .nothing : said) }
    if retracts(standing) {
      // The name that a take-back gives holds also when the take-back itself is taken back.
      var new = isRetracted ? .nothing : said
      if let runnerUp, runnerUp.isLater(than: new) { new = runnerUp }
      new.hasRetractions = true
      return .change(new)
    }
    if isRetracted { return .late }
    var new = said
    new.hasRetractions = standing.hasRetractions || said.hasRetractions
    let isSame = said.saysTheSame(as: standing)
    guard said.isLater(than: standing) else {
      return isSame || said.source == standing.source ? .repeated(standing) : .late
    }
    return isSame ? .repeated(new) : .change(new)
  }

  /// What is kept out from now on: what stood, or this. Nothing that was taken back by name is.
  ///
  /// - Parameter effect: that of an event that was not taken back.
  public func loser(to standing: UserRating?, _ effect: RatingEffect) -> UserRating? {
    guard let standing, standing.source != said.source else { return nil }
    guard effect.standing?.source == said.source else { return said }
    return retracts(standing) || standing.isByArrival || standing == .nothing ? nil : standing
  }
}

/// What a statement does to what stands.
public enum RatingEffect: Hashable, Sendable {
  /// The row that stands from now on. A take-back may find nothing to take back, and stands too.
  case change(UserRating)
  /// It says again what stands. Said by a later event, the row has that event's place from now on.
  case repeated(UserRating)
  /// Something newer stands, or the event was taken back by name.
  case late

  /// The row that stands from now on; `nil` if it is the one that stood.
  public var standing: UserRating? {
    switch self {
    case .change(let new), .repeated(let new): new
    case .late: nil
    }
  }
}

/// Tells repeats from new records, in one partition of a topic.
///
/// An upstream stage may send its outputs again after a crash. Each source partition's records
/// arrive in order, so one offset per source partition is enough.
public struct RepeatFilter: Sendable {
  private var newest: [Int32: Int64] = [:]

  public init() {}

  /// Notes a record, and returns false for a repeat.
  public mutating func isNew(_ source: SourceCoordinates) -> Bool {
    guard !Self.isRepeat(source.offset, after: newest[source.partition]) else { return false }
    newest[source.partition] = source.offset
    return true
  }

  /// Whether a record was seen before.
  ///
  /// - Parameter newest: the newest offset seen of its source partition, `nil` for none.
  public static func isRepeat(_ offset: Int64, after newest: Int64?) -> Bool {
    guard let newest else { return false }
    return offset <= newest
  }
}
