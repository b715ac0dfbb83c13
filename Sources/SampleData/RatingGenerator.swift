public import Ratings
import Recommender

/// Makes up events of `user-ratings`: any number, from a seed, shaped like MovieLens 20M.
///
/// The same settings give the same bytes. A user rates a movie once, unless a re-rating was asked
/// for or the user has run out of movies. Ids are 1...users and 1...movies; event time only rises.
public struct RatingGenerator: ~Copyable, Sendable {
  public struct Settings: Sendable {
    /// At least 1, below 2^31. As in MovieLens 20M.
    public var users = 137_734
    /// At least 1, below 2^31.
    public var movies = 26_228
    public var seed: UInt64 = 1
    /// How many events are expected; more may be drawn, with more chance re-ratings among them and
    /// with event times past the last of `times`.
    public var events = 2_000_000
    /// Of all events, 0...1; the three together at most 1.
    public var invalidShare = 0.0
    /// Of all events: those in which a user rates a movie again.
    public var reRatingShare = 0.0
    /// Of all events: those with a null rating, which takes an earlier one back.
    public var retractionShare = 0.0
    /// Event times since 1970 in milliseconds, over which the events expected spread evenly; 2015
    /// to May 2021, so that 2 million events are 100 s apart.
    public var times: Range<Int64> = 1_420_070_400_000..<1_620_070_400_000

    public init() {}
  }

  /// What the newest event is.
  public enum Kind: Hashable, Sendable {
    case rating
    case reRating
    case retraction
    case invalid(InvalidEvent)
  }

  private static let historyCapacity = 1 << 16
  private static let drawLimit = 64
  private static let pairsAtOnce = 64

  private struct Pair {
    var user: Int
    var movie: Int
    var key: UInt64 { UInt64(user) << 32 | UInt64(movie) }
  }

  public let settings: Settings
  private let model: RatingModel
  /// Event time from one event to the next.
  private let intervalMilliseconds: Double
  private var random: SeededRandom
  private var drawn: PairFilter
  /// Drawn, and not yet in an event.
  private var pending: [Pair] = []
  /// Some pairs rated before, for those to come back to.
  private var history: [Pair] = []
  private var text: [UInt8] = []

  /// How many events have been made.
  public private(set) var count = 0
  /// What the newest event is.
  public private(set) var kind = Kind.rating
  /// The newest event's user; also in an invalid event, whose bytes may not name it.
  public private(set) var user: Int64 = 0

  public init(_ settings: Settings) {
    precondition((1..<1 << 31).contains(settings.users))
    precondition((1..<1 << 31).contains(settings.movies))
    self.settings = settings
    intervalMilliseconds = Double(settings.times.count) / Double(max(settings.events, 1))
    model = RatingModel(users: settings.users, movies: settings.movies, seed: settings.seed)
    random = SeededRandom(seed: ~settings.seed)
    drawn = PairFilter(expectedPairs: settings.events)
    history.reserveCapacity(Self.historyCapacity)
    text.reserveCapacity(4096)
  }

  /// The newest event's value; `nil` is a null value.
  public var value: RawSpan? {
    @_lifetime(borrow self)
    get {
      kind == .invalid(.nullValue) ? nil : text.span.bytes
    }
  }

  /// The event time of the event after the newest, since 1970.
  public var nextTimeMilliseconds: Int64 {
    settings.times.lowerBound + Int64(Double(count) * intervalMilliseconds)
  }

  /// Makes the next event.
  ///
  /// - Parameter timeMilliseconds: its event time, not before 1995; `nil` takes the stream's own.
  public mutating func next(timeMilliseconds: Int64? = nil) {
    // Event time is written in whole seconds, as MovieLens has it, unless the caller sets it.
    let time = timeMilliseconds ?? nextTimeMilliseconds / 1000 * 1000
    text.removeAll(keepingCapacity: true)
    count += 1
    let chance = random.unit()
    let reRatingEnd = settings.invalidShare + settings.reRatingShare
    if chance <= settings.invalidShare {
      appendInvalid(timeMilliseconds: time)
    } else if chance <= reRatingEnd, let pair = earlierPair() {
      append(.reRating, pair, timeMilliseconds: time)
    } else if chance > reRatingEnd, chance <= reRatingEnd + settings.retractionShare,
      let pair = earlierPair()
    {
      append(.retraction, pair, timeMilliseconds: time)
    } else {
      let pair = newPair()
      remember(pair)
      append(.rating, pair, timeMilliseconds: time)
    }
  }

  /// Draws a new rating as a value; no event is made of it.
  public mutating func nextRating() -> (user: Int64, movie: Int64, rating: HalfStars) {
    count += 1
    let pair = newPair()
    return (
      Int64(pair.user) + 1, Int64(pair.movie) + 1,
      model.rating(user: pair.user, movie: pair.movie, random.next())
    )
  }

  private mutating func append(_ kind: Kind, _ pair: Pair, timeMilliseconds: Int64) {
    self.kind = kind
    user = Int64(pair.user) + 1
    let rating =
      kind == .retraction ? nil : model.rating(user: pair.user, movie: pair.movie, random.next())
    EventText.appendRating(
      user: user, movie: Int64(pair.movie) + 1, rating: rating, timeMilliseconds: timeMilliseconds,
      to: &text)
  }

  private mutating func appendInvalid(timeMilliseconds: Int64) {
    let fault = InvalidEvent.allCases[random.below(InvalidEvent.allCases.count)]
    kind = .invalid(fault)
    user = Int64(model.user(random.next())) + 1
    fault.append(
      user: user, movie: Int64(model.movie(random.next())) + 1, seconds: timeMilliseconds / 1000,
      to: &text)
  }

  private mutating func newPair() -> Pair {
    if pending.isEmpty { drawPairs() }
    return pending.removeLast()
  }

  /// Draws many at once: each waits for memory that is not in the cache, and they wait together.
  private mutating func drawPairs() {
    for _ in 0..<Self.pairsAtOnce {
      pending.append(Pair(user: model.user(random.next()), movie: model.movie(random.next())))
    }
    for index in pending.indices {
      var draws = 1
      while !drawn.insert(pending[index].key), draws < Self.drawLimit {
        pending[index].movie = model.movie(random.next())
        draws += 1
      }
    }
  }

  private mutating func remember(_ pair: Pair) {
    if history.count < Self.historyCapacity {
      history.append(pair)
    } else {
      history[count & (Self.historyCapacity - 1)] = pair
    }
  }

  private mutating func earlierPair() -> Pair? {
    history.isEmpty ? nil : history[random.below(history.count)]
  }
}
