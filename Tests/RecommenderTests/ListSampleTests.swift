import Ratings
import TestSupport
import Testing

@testable import Recommender

@Suite struct ListSampleTests {
  /// Users with many ratings too, who are not shown.
  private static func ratings() -> RatingMatrix {
    var random = SeededRandom(seed: 3)
    var log = RatingLog()
    for user in 0..<40 {
      for number in 0..<(user % 10 == 0 ? 70 : 5 + user % 7) {
        log.append(
          user: Int64(user * 3), movie: Int64(random.unit() * 100),
          rating: HalfStars(rawValue: UInt8(1 + Int(random.unit() * 10))),
          timeMilliseconds: Int64(1_000_000 + number * 1_000))
      }
    }
    return log.finish()
  }

  private static func model(_ ratings: RatingMatrix) throws -> PublishedModel {
    var parameters = ModelParameters()
    parameters.factors = 4
    parameters.epochs = 2
    var trainer = Trainer(ratings, parameters: parameters, threads: 1)
    let losses = (0..<2).map { _ in trainer.runEpoch() }
    var fit = try trainer.finish()
    return PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: ratings.users.count,
        movies: ratings.movies.count, ratings: ratings.count, meanRating: fit.meanRating,
        newestRatingMilliseconds: ratings.newestMilliseconds, loss: losses[1],
        epochLosses: losses),
      contents: fit.contents(parameters))
  }

  @Test func listsAreThoseOfAllUsersAndChangeNoVersion() throws {
    let ratings = Self.ratings()
    let plain = try Self.model(ratings)
    let model = plain.addingSamples(of: ratings)
    #expect(model.model.version == plain.model.version)
    let samples = model.model.metadata.samples
    #expect(samples.count == 10 && Set(samples.map(\.user)).count == 10)
    let lists = plain.model.recommendations(for: ratings, at: nil, count: 10, threads: 1)
    for sample in samples {
      let user = try #require(ratings.users.firstIndex(of: sample.user))
      #expect(ratings.range(ofUser: user).count == sample.ratings.count)
      #expect(sample.ratings.count <= 60)
      #expect(
        sample.recommended.map(\.movie)
          == lists.rows(ofUser: user).map { plain.model.movies[Int($0)] })
    }
  }

  @Test func aSampleIsReadAsItIsWritten() throws {
    for sample in try Self.model(Self.ratings()).addingSamples(of: Self.ratings()).model.metadata
      .samples
    {
      #expect(ListSample(sample.description) == sample)
    }
    for text in ["", "1", "1: 2 3 4", "1: 2 11 4 > ", "x: > ", "1: 2 3 > ", "1: > 2 nan", "1: > 2"]
    {
      #expect(ListSample(text) == nil, "\(text)")
    }
    #expect(ListSample("1:  > ") == ListSample(user: 1, ratings: [], recommended: []))
  }
}
