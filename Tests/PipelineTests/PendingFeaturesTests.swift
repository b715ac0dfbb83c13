import Ratings
import Testing

@testable import Pipeline

@Suite struct PendingFeaturesTests {
  private func features(_ user: Int64, count: Int) throws -> UserFeatures {
    let rating = try #require(HalfStars(rawValue: 7))
    var aggregate = UserAggregate()
    for movie in 0..<count {
      let row = UserRating(
        rating: rating, timeMilliseconds: Int64(movie),
        source: SourceCoordinates(partition: 0, offset: Int64(movie)))
      _ = aggregate.apply(old: nil, new: row, movie: Int64(movie))
    }
    return UserFeatures(
      user: user, aggregate: aggregate, genres: GenreDictionary(), eventTimeMilliseconds: 0)
  }

  @Test func onlyTheNewestOfAnEntityIsKept() throws {
    var pending = PendingFeatures<UserFeatures>()
    try pending.set(7, offset: 10, time: 1010, features(7, count: 1))
    try pending.set(8, offset: 11, time: 1011, features(8, count: 1))
    try pending.set(7, offset: 12, time: 1012, features(7, count: 2))
    pending.set(9, offset: 13, time: 1013, nil)
    #expect(pending.rows.map(\.entity) == [7, 8, 9])
    #expect(pending.rows.map(\.offset) == [12, 11, 13])
    #expect(pending.rows.map(\.time) == [1012, 1011, 1013])
    #expect(pending.rows.map { $0.features?.ratings.count } == [2, 1, nil])
    pending.removeAll()
    #expect(pending.rows.isEmpty)
  }

  @Test func aTombstoneTakesTheFeaturesPlaceAndBack() throws {
    var pending = PendingFeatures<UserFeatures>()
    try pending.set(7, offset: 1, time: 101, features(7, count: 1))
    pending.set(7, offset: 2, time: 102, nil)
    #expect(pending.rows.count == 1 && pending.rows[0].features == nil)
    try pending.set(7, offset: 3, time: 103, features(7, count: 3))
    #expect(pending.rows[0].offset == 3 && pending.rows[0].features?.ratings.count == 3)
  }
}
