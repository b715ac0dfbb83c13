import Ratings

/// A user's ratings, and what a model recommends right after the last of them: for a person to
/// judge, and for other implementations to compare themselves with.
public struct ListSample: Hashable, Sendable, CustomStringConvertible {
  /// How many a model's metadata has.
  static let most = 10
  /// Users with more ratings are not shown: a list follows from all of them.
  private static let mostRatings = 60
  fileprivate static let length = 10

  public var user: Int64
  /// In the order of their times.
  public var ratings: [MovieRating]
  /// Best first.
  public var recommended: [ScoredMovie]

  public init(user: Int64, ratings: [MovieRating], recommended: [ScoredMovie]) {
    self.user = user
    self.ratings = ratings
    self.recommended = recommended
  }

  /// `42: 1 9 1700000000000, 3 4 1700000060000 > 10 0.12, 7 0.11`: the user; of each rating the
  /// movie, half stars and milliseconds; of each recommended movie its score.
  public var description: String {
    let ratings = ratings.map {
      "\($0.movie) \($0.rating.rating.rawValue) \($0.rating.timeMilliseconds)"
    }
    let recommended = recommended.map { "\($0.movie) \($0.score)" }
    return "\(user): \(ratings.joined(separator: ", ")) > \(recommended.joined(separator: ", "))"
  }

  /// - Returns: `nil` for anything that `description` does not give.
  init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), let user = Int64(text[..<colon]) else { return nil }
    let halves = text[text.index(after: colon)...]
      .split(separator: ">", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    self.init(user: user, ratings: [], recommended: [])
    for item in Self.items(in: halves[0]) {
      let fields = item.split(separator: " ")
      guard fields.count == 3, let movie = Int64(fields[0]),
        let rating = UInt8(fields[1]).flatMap(HalfStars.init(rawValue:)),
        let time = Int64(fields[2])
      else { return nil }
      ratings.append(
        MovieRating(movie: movie, rating: TimedRating(rating: rating, timeMilliseconds: time)))
    }
    for item in Self.items(in: halves[1]) {
      let fields = item.split(separator: " ")
      guard fields.count == 2, let movie = Int64(fields[0]), let score = Double(fields[1]),
        score.isFinite
      else { return nil }
      recommended.append(ScoredMovie(movie: movie, score: score))
    }
  }
}

extension ListSample {
  private static func items(in text: Substring) -> [Substring] {
    text.allSatisfy { $0 == " " }
      ? [] : text.split(separator: ",", omittingEmptySubsequences: false)
  }
}

extension FactorModel {
  /// Some users of the ratings, spread over all of them, and their lists.
  public func samples(of ratings: RatingMatrix) -> [ListSample] {
    var ranker = PersonalRanker(ServingModel(self))
    return ListSample.users(of: ratings).compactMap { user in
      let rated = ratings.range(ofUser: user).map { index in
        let rating = ratings.rating(index)
        return MovieRating(
          movie: ratings.movies[rating.movie],
          rating: TimedRating(rating: rating.rating, timeMilliseconds: rating.timeMilliseconds))
      }
      ranker.removeAll()
      guard
        case .added(let number, _) = ranker.add(rated.span, at: nil, wanted: ListSample.length)
      else { return nil }
      ranker.rank()
      var recommended: [ScoredMovie] = []
      ranker.appendBest(of: number, to: &recommended)
      return ListSample(user: ratings.users[user], ratings: rated, recommended: recommended)
    }
  }
}

extension ListSample {
  fileprivate static func users(of ratings: RatingMatrix) -> [Int] {
    let shown = ratings.users.indices.filter {
      ratings.range(ofUser: $0).count <= mostRatings
    }
    guard shown.count > most else { return shown }
    return (0..<most).map { shown[$0 * shown.count / most] }
  }
}
