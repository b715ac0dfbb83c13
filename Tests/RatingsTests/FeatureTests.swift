import Codecs
import Ratings
import TestSupport
import Testing

@Suite struct FeatureTests {
  @Test func userFeaturesAreOneFlatObject() throws {
    var dictionary = GenreDictionary()
    var genres = GenreSet()
    if let drama = dictionary.number(of: "Drama") { genres.insert(drama) }
    var user = UserAggregate()
    let day = EventTime.millisecondsPerDay
    for (value, time) in [(4.0, 40 * day), (3.0, 10 * day), (5.0, 41 * day + 7)] {
      let rating = TimedRating(rating: stars(value), timeMilliseconds: time)
      _ = user.apply(old: nil, new: UserRating(timed: rating, genres: genres), movie: time)
    }
    let features = UserFeatures(
      user: 7, aggregate: user, genres: dictionary, eventTimeMilliseconds: 41 * day + 7)
    let text = written(features.write)
    #expect(
      text == #"{"user_id":7,"rating_count":3,"rating_mean":4.0,"rating_std":1.0,"#
        + #""rating_std_population":0.816496580927726,"rating_min":3.0,"rating_max":5.0,"#
        + #""rating_range":2.0,"first_rating_ms":864000000,"last_rating_ms":3542400007,"#
        + #""days_active":31,"recent_rating_count":2,"favorite_genre":"Drama","#
        + #""favorite_genre_count":3,"favorite_genre_mean":4.0,"version":3,"#
        + #""event_time_ms":3542400007}"#)
    var parser = UserFeaturesParser()
    let read = try parser.parse(Array(text.utf8).span.bytes)
    #expect(read == features)
  }

  @Test func withoutRatingsAllIsZero() throws {
    let features = UserFeatures(
      user: 7, aggregate: UserAggregate(), genres: GenreDictionary(), eventTimeMilliseconds: 1)
    var parser = UserFeaturesParser()
    let read = try parser.parse(Array(written(features.write).utf8).span.bytes)
    #expect(read == features && read.favoriteGenre == nil && read.ratings.mean == 0)
  }

  @Test func movieFeaturesAddScores() throws {
    var movie = MovieAggregate()
    for value in [4.0, 5.0] {
      _ = movie.apply(old: nil, new: TimedRating(rating: stars(value), timeMilliseconds: 5))
    }
    // C = 10 / 4 = 2.5, m = 70 / 20 = 3.5, R = 4.5, v = 2: (2.5·3.5 + 4.5·2) / 4.5
    let prior = CatalogPrior(ratingCount: 10, movieCount: 4, halfStarSum: 70)
    let features = MovieFeatures(
      movie: 9, aggregate: movie, prior: prior, eventTimeMilliseconds: 5)
    #expect(abs(features.qualityScore - 17.75 / 4.5) < 1e-15)
    #expect(abs(features.popularityScore - 1.0986122886681098) < 1e-15)
    var parser = MovieFeaturesParser()
    let read = try parser.parse(Array(written(features.write).utf8).span.bytes)
    #expect(read == features)
  }

  @Test func priorFollowsEachMovie() {
    var prior = CatalogPrior()
    var movie = MovieAggregate()
    #expect(prior.quality(of: movie.statistics) == 0)
    let before = movie.statistics
    _ = movie.apply(old: nil, new: TimedRating(rating: stars(4), timeMilliseconds: 5))
    prior.update(from: before, to: movie.statistics)
    #expect(prior == CatalogPrior(ratingCount: 1, movieCount: 1, halfStarSum: 8))
    #expect(prior.quality(of: movie.statistics) == 4)
    prior.update(from: movie.statistics, to: before)
    #expect(prior == CatalogPrior())
  }

  @Test func everyFeatureHasAValueOfItsType() {
    let rows: [any FeatureRow] = [
      UserFeatures(
        user: 1, aggregate: UserAggregate(), genres: GenreDictionary(), eventTimeMilliseconds: 0),
      MovieFeatures(
        movie: 1, aggregate: MovieAggregate(), prior: CatalogPrior(), eventTimeMilliseconds: 0),
    ]
    for row in rows {
      let features = type(of: row).view.features
      #expect(Set(features.map(\.name)).count == features.count)
      for (index, feature) in features.enumerated() {
        let type: FeatureType =
          switch row.value(index) {
          case .int64: .int64
          case .double: .double
          case .string: .string
          case .unixTimestamp: .unixTimestamp
          }
        #expect(type == feature.type, "\(feature.name)")
      }
    }
  }

  @Test func refusesForeignRecords() {
    let text = Array(#"{"user_id":7,"rating_count":"three"}"#.utf8)
    #expect(throws: RecordError("the field rating_count is missing or not of its type")) {
      var parser = UserFeaturesParser()
      _ = try parser.parse(text.span.bytes)
    }
  }
}
