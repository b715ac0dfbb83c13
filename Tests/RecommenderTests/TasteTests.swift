import TestSupport
import Testing

@testable import Ratings
@testable import Recommender

/// What people expect of lists: stars count, and a taste lasts.
@Suite struct TasteTests {
  private enum Kind: Int64, CaseIterable {
    case children, horror, drama
  }

  private static let moviesPerKind = 40

  private static func movie(_ kind: Kind, _ number: Int) -> Int64 {
    kind.rawValue * 1_000 + Int64(number)
  }

  private static func kind(_ movie: Int64) -> Kind { Kind(rawValue: movie / 1_000) ?? .drama }

  /// Users of one kind each, who now and then see another. Drama is seen by most.
  private static let model: ServingModel? = {
    var random = SeededRandom(seed: 21)
    var log = RatingLog()
    for user in 0..<600 {
      let own: Kind = user % 6 == 0 ? .children : user % 6 == 1 ? .horror : .drama
      for event in 0..<24 {
        let strays = random.below(12) == 0
        let kind = strays ? Kind.allCases[random.below(3)] : own
        log.append(
          user: Int64(user), movie: movie(kind, random.below(moviesPerKind)),
          rating: HalfStars(
            rawValue: UInt8(kind == own ? 7 + random.below(4) : 3 + random.below(4))),
          timeMilliseconds: Int64(user + event) * 60_000)
      }
    }
    return (try? TrainerTests.train(log.finish(), ModelParameters()).model).map(ServingModel.init)
  }()

  private func list(_ ratings: [(movie: Int64, stars: Double)], hours: Double = 0) throws
    -> [Kind: Int]
  {
    var ranker = PersonalRanker(try #require(Self.model))
    let start: Int64 = 1_600_000_000_000
    let rated = ratings.enumerated().map { place, rating in
      MovieRating(
        movie: rating.movie,
        rating: TimedRating(
          rating: HalfStars(stars: rating.stars) ?? .half,
          timeMilliseconds: start + Int64(place) * 60_000))
    }
    let last = start + Int64(ratings.count - 1) * 60_000
    let outcome = ranker.add(
      rated.span, at: last + Int64(hours * 3_600_000), wanted: 10)
    guard case .added(let number, _) = outcome else {
      Issue.record("the user is not ranked")
      return [:]
    }
    ranker.rank()
    var best: [ScoredMovie] = []
    ranker.appendBest(of: number, to: &best)
    return Dictionary(grouping: best) { Self.kind($0.movie) }.mapValues(\.count)
  }

  /// Someone who likes a children's film is shown its like; someone who does not is not.
  @Test(arguments: [0, 1, 24 * 365] as [Double])
  func oneFilmsStarsDecideWhatIsShown(hours: Double) throws {
    let film = Self.movie(.children, 3)
    let liked = try list([(film, 5)], hours: hours)
    let disliked = try list([(film, 0.5)], hours: hours)
    #expect(liked[.children, default: 0] > disliked[.children, default: 0])
    #expect(disliked[.children, default: 0] == 0)
    if hours < 2 { #expect(liked[.children, default: 0] >= 8) }
  }

  private static let horrors = (0..<36).map { (movie(.horror, $0), 4.5) }

  @Test(arguments: [0, 0.5, 24, 24 * 90] as [Double])
  func oneFilmNeverOutvotesTheTaste(hours: Double) throws {
    let kinds = try list(Self.horrors + [(Self.movie(.children, 5), 4.5)], hours: hours)
    // Of horror only four are left to show.
    #expect(kinds[.horror] == 4)
  }

  /// Minutes after an evening with other films these lead; months later the long taste does.
  @Test func whatTheLastSittingSaysFades() throws {
    let evening = (0..<12).map { (Self.movie(.children, $0), 4.5) }
    let soon = try list(Array(Self.horrors.prefix(25)) + evening, hours: 0.1)
    let late = try list(Array(Self.horrors.prefix(25)) + evening, hours: 24 * 120)
    #expect(soon[.children, default: 0] > 5)
    #expect(late[.horror, default: 0] > 5)
  }

  /// What spoke against a film is named.
  @Test func aLowRatingSpeaksAgainstItsKind() throws {
    let model = try #require(Self.model)
    var ranker = PersonalRanker(model)
    let ratings = [(Self.movie(.children, 1), UInt8(1)), (Self.movie(.horror, 1), 10)].map {
      MovieRating(
        movie: $0.0,
        rating: TimedRating(
          rating: HalfStars(rawValue: $0.1) ?? .half, timeMilliseconds: 1_600_000_000_000))
    }
    let shown = Self.movie(.children, 2)
    let all = ranker.contributions(ratings.span, at: nil, to: [shown])
    let parts = try #require(all[shown])
    #expect(parts.ratings.last?.movie == ratings[0].movie && parts.ratings[1].score < 0)
  }

  @Test func theSittingsShareHalves() {
    let parameters = ModelParameters()
    let hours = Int64(parameters.sittingHours * 3_600_000)
    #expect(parameters.sittingShare(elapsedMilliseconds: 0) == parameters.sitting)
    #expect(
      abs(parameters.sittingShare(elapsedMilliseconds: hours) - parameters.sitting / 2) < 1e-12)
    #expect(parameters.sittingShare(elapsedMilliseconds: .max) < 1e-6)
  }

  /// Two who like horror rate a film that nobody else has: it is a row of the model like others.
  @Test func aFilmWithTwoRatingsIsPlacedByItsRaters() throws {
    var log = RatingLog()
    var random = SeededRandom(seed: 3)
    let rare = Self.movie(.drama, 999)
    for user in Int64(0)..<200 {
      let kind: Kind = user % 2 == 0 ? .horror : .children
      for event in 0..<15 {
        log.append(
          user: user, movie: Self.movie(kind, random.below(Self.moviesPerKind)),
          rating: HalfStars(rawValue: 8), timeMilliseconds: Int64(event) * 60_000)
      }
      if user == 20 || user == 22 {
        log.append(user: user, movie: rare, rating: HalfStars(rawValue: 9), timeMilliseconds: 0)
      }
    }
    let model = try TrainerTests.train(log.finish(), ModelParameters()).model
    let own = try #require(model.row(of: rare))
    var likeness: [Kind: Float] = [:]
    for row in model.movies.indices where row != own {
      let product = (0..<16).reduce(Float(0)) {
        $0 + model.factors[own * 16 + $1] * model.factors[row * 16 + $1]
      }
      likeness[Self.kind(model.movies[row]), default: 0] += product
    }
    #expect(likeness[.horror, default: 0] > 10 * abs(likeness[.children, default: 0]))
  }

  // MARK: The search

  @Test func theSearchRepeatsItselfAndKeepsWhatIsFixed() throws {
    let ratings = TrainerTests.ratings(users: 150, movies: 60, each: 25, seed: 12)
    var start = ModelParameters()
    start.taste = 0.3
    func search(threads: Int) throws -> (ModelParameters, [SettingsTrial]) {
      var search = try SettingsSearch(ratings, start: start, fixed: [.taste], threads: threads)
      return (search.run(), search.trials)
    }
    let one = try search(threads: 1)
    let two = try search(threads: 2)
    #expect(one == two && one.0.taste == 0.3 && one.0.problem == nil)
    #expect(one.1.count > 10 && one.1[0].change == "start" && one.1[0].isKept)
    #expect(one.1.contains { $0.isKept } && one.1.allSatisfy { !$0.change.hasPrefix("taste") })
    for trial in one.1 { #expect(SettingsTrial(trial.description) == trial) }
  }

  @Test(arguments: [
    "", "start", "a: b", "a: next 1/2 of 3, later 1/2/3 of 4", "a: next x, later y",
  ])
  func whatIsNoTrialIsRefused(text: String) {
    #expect(SettingsTrial(text) == nil)
  }
}

extension HalfStars {
  /// Half a star.
  static var half: HalfStars {
    guard let half = HalfStars(rawValue: 1) else { preconditionFailure("half a star is a rating") }
    return half
  }
}
