import Codecs
import Ratings
import StateStore
import Streams
import Testing

@testable import Pipeline

@Suite struct StoreSchemaTests {
  private func table(_ stage: StageDeclaration, _ name: String) throws -> TableDeclaration {
    try #require(StoreSchema(stage)?.table(named: name))
  }

  private func json(
    _ table: TableDeclaration, _ value: [UInt8],
    genres: GenreDictionary = GenreDictionary()
  ) -> String {
    var writer = JSONWriter()
    table.write(value.span.bytes, genres: genres, to: &writer)
    return String(decoding: writer.copyBytes(), as: UTF8.self)
  }

  @Test func stagesWithoutStateHaveNoSchema() {
    #expect(Topology.product.filter { StoreSchema($0) != nil } == [.user, .movie])
  }

  @Test(arguments: [
    ("ratings", "42/1196"), ("ratings", "0/9223372036854775807"), ("aggregates", "42"),
    ("genres", "genres"), ("sources", "0"), ("meta", "position"),
  ])
  func keysReadBack(name: String, text: String) throws {
    let table = try table(.user, name)
    let key = try #require(table.key(text))
    #expect(table.text(ofKey: key.span.bytes) == text)
  }

  @Test(arguments: [
    ("ratings", "42/"), ("ratings", "x/1"), ("ratings", "1/2/3"), ("aggregates", "42/1"),
    ("aggregates", ""), ("aggregates", "9223372036854775808"),
  ])
  func otherTextsAreNoKeys(name: String, text: String) throws {
    #expect(try table(.user, name).key(text) == nil)
  }

  @Test func anIdentifierBeginsTheKeysOfItsPairs() throws {
    let ratings = try table(.user, "ratings")
    let prefix = try #require(ratings.key("42"))
    #expect(try #require(ratings.key("42/7")).starts(with: prefix))
    #expect(try !#require(ratings.key("427/7")).starts(with: prefix))
  }

  @Test func foreignBytesAreShownAsTheyAre() throws {
    let ratings = try table(.user, "ratings")
    let key: [UInt8] = [9, 0xAB]
    #expect(ratings.text(ofKey: key.span.bytes) == "0x09ab")
    #expect(
      json(ratings, [7]).hasPrefix(#"{"undecodable":""#)
        && json(ratings, [7]).hasSuffix(#""bytes":"0x07"}"#))
    #expect(json(try table(.user, "meta"), [2, 0]).contains("undecodable"))
    #expect(json(try table(.user, "sources"), [1]).contains("undecodable"))
  }

  @Test func valuesAreDecoded() throws {
    var genres = GenreDictionary()
    let number = genres.number(of: "Drama")
    let drama = try #require(number)
    var set = GenreSet()
    set.insert(drama)
    let timed = TimedRating(rating: try #require(HalfStars(stars: 4.5)), timeMilliseconds: 1_000)
    var bytes: [UInt8] = []
    let row = UserRating(
      rating: timed.rating, timeMilliseconds: 1_000, genres: set,
      source: SourceCoordinates(partition: 2, offset: 9), recordTimeMilliseconds: 1_001)
    row.encode(into: &bytes)
    #expect(
      json(try table(.user, "ratings"), bytes, genres: genres)
        == #"{"rating":4.5,"time_ms":1000,"genres":["Drama"],"source":"2:9","#
        + #""source_time_ms":1001}"#)
    let earlier: [UInt8] = [1, 9, 0xD0, 0x0F, 1]
    #expect(
      json(try table(.user, "ratings"), earlier, genres: genres)
        == #"{"rating":4.5,"time_ms":1000,"genres":["Drama"]}"#)
    var retractions = Retractions()
    _ = retractions.insert(SourceCoordinates(partition: 1, offset: 17))
    bytes = []
    retractions.encode(into: &bytes)
    #expect(json(try table(.user, "retractions"), bytes) == #"["1:17"]"#)
    var keptOut = KeptOut()
    keptOut.insert(row)
    bytes = []
    keptOut.encode(into: &bytes)
    #expect(
      json(try table(.user, "kept_out"), bytes, genres: genres)
        == #"[{"rating":4.5,"time_ms":1000,"genres":["Drama"],"source":"2:9","#
        + #""source_time_ms":1001}]"#)
    bytes = []
    RefoldProgress(nextOffset: 7, corrections: 2).encode(into: &bytes)
    #expect(json(try table(.user, "refold"), bytes) == #"{"next_offset":7,"corrections":2}"#)

    var aggregate = UserAggregate()
    _ = aggregate.apply(old: nil, new: row, movie: 1)
    bytes = []
    aggregate.encode(into: &bytes)
    let user = json(try table(.user, "aggregates"), bytes, genres: genres)
    #expect(user.contains(#""count":1,"mean":4.5,"histogram":[0,0,0,0,0,0,0,0,1,0]"#))
    #expect(user.contains(#""genres":[{"genre":"Drama","count":1,"mean":4.5}]"#))

    bytes = []
    TimeJournal.append(TimeJournal.Entry(milliseconds: 5, isRemoval: false), to: &bytes)
    TimeJournal.append(TimeJournal.Entry(milliseconds: 5, isRemoval: true), to: &bytes)
    #expect(json(try table(.movie, "times"), bytes) == #"[{"added_ms":5},{"removed_ms":5}]"#)

    #expect(json(try table(.movie, "take_backs"), [3]) == "3")

    let position: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 9]
    #expect(json(try table(.movie, "meta"), position) == #"{"input_offset":9}"#)
    let nine = SourcePosition(offset: 9, timestamp: 1_700_000_000_000).encoded
    #expect(
      json(try table(.movie, "sources"), [UInt8](copying: nine.span.bytes))
        == #"{"offset":9,"timestamp_ms":1700000000000}"#)
    bytes = []
    genres.encode(into: &bytes)
    #expect(json(try table(.user, "genres"), bytes) == #"["Drama"]"#)
  }
}
