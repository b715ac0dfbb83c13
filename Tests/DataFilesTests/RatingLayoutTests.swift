import TestSupport
import Testing

@testable import DataFiles

/// Every layout in which ratings are found.
@Suite struct RatingLayoutTests {
  private static let two = [
    Loaded(1, 31, 2.5, 1_260_759_144), Loaded(671, 6565, 5, 978_300_760),
  ]

  @Test(arguments: [
    ("MovieLens", "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n671,6565,5.0,978300760\n"),
    ("no header", "1,31,2.5,1260759144\n671,6565,5,978300760\n"),
    ("1M and 10M", "1::31::2.5::1260759144\n671::6565::5::978300760\n"),
    ("100K", "1\t31\t2.5\t1260759144\n671\t6565\t5\t978300760\n"),
    (
      "Kaggle's 20M",
      """
      "userId","movieId","rating","timestamp"
      1,31,2.5,"2009-12-14 02:52:24"
      671,6565,5,"2000-12-31 22:12:40"
      """
    ),
    ("pandas", ",userId,movieId,rating,timestamp\n0,1,31,2.5,1260759144\n1,671,6565,5,978300760"),
    (
      "pandas' floats",
      "userId,movieId,rating,timestamp\n1.0,31.0,2.5,1260759144.0\n671.0,6565.00,5.0,9.7830076e8\n"
    ),
    ("Excel", "user_id;movie_id;rating;timestamp\r\n1;31;2,5;1260759144\r\n671;6565;5;978300760"),
    (
      "pandas' floats with decimal commas",
      "userId;movieId;rating;timestamp\n1,0;31,0;2,5;1260759144,0\n671,0;6565,00;5,0;978300760,0\n"
    ),
    (
      "Excel's note",
      "sep=;\nuserId;movieId;rating;timestamp\n1;31;2,5;1260759144\n671;6565;5;978300760"
    ),
    (
      "quoted numbers",
      "userId,movieId,rating,timestamp\n\"1\",\"31\",\"2,5\",1260759144\n671,6565,5,978300760"
    ),
    ("tabs", "userId\tmovieId\trating\ttimestamp\n1\t31\t2.5\t1260759144\n671\t6565\t5\t978300760"),
    ("bars", "userId|movieId|rating|timestamp\n1|31|2.5|1260759144\n671|6565|5|978300760"),
    ("old Mac", "userId,movieId,rating,timestamp\r1,31,2.5,1260759144\r671,6565,5,978300760\r"),
    (
      "a mark", "\u{FEFF}userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n671,6565,5,978300760"
    ),
    (
      "other names and columns",
      """
      Date,score,note,item_id,user
      2009-12-14T02:52:24Z,2.5,"a, ""b""
      c",31,1
      2000-12-31 22:12:40 UTC,5,,6565,671
      """
    ),
    (
      "RecBole",
      "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t31\t2.5\t1260759144\n"
        + "671\t6565\t5\t978300760\n"
    ),
    (
      "blanks and empty lines",
      "userId, movieId, rating, timestamp\n\n1, 31, 2.50, 1260759144\n\n\n 671,6565 ,5,978300760\n\n"
    ),
    ("milliseconds", "1,31,2.5,1260759144000\n671,6565,5,978300760000"),
    ("micro- and nanoseconds", "1,31,2.5,1260759144000000\n671,6565,5,978300760000000000"),
    (
      "JSON lines",
      """
      {"user_id":1,"movie_id":31,"rating":2.5,"timestamp":1260759144}
      {"timestamp":"2000-12-31T22:12:40Z","user_id":671,"movie_id":6565,"rating":5}
      """
    ),
  ])
  func theSameRatingsAreRead(layout: String, text: String) throws {
    let contents = try Contents(text)
    #expect(contents.ratings == Self.two, "\(layout)")
    #expect(contents.faults.isEmpty, "\(layout)")
  }

  @Test func aColumnOfOursIsMeantBeforeOthers() throws {
    let contents = try Contents(
      "user,userId,movieId,movie,rating,score,timestamp,date\nAnn,1,31,Heat,2.5,9,1260759144,x\n")
    #expect(contents.ratings == [Self.two[0]])
  }

  @Test func fractionsOfSecondsAreKept() throws {
    let contents = try Contents("1,2,3.5,1260759144.25\n1,3,3.5,1260759144250\n")
    #expect(contents.ratings.map(\.seconds) == [1_260_759_144.25, 1_260_759_144.25])
  }

  @Test func whatWasFoundIsReported() throws {
    let report = try Contents(
      "who;userid;item;score;ts\na;1;2;3,5;2009-12-14\nb;1;3;0,5;1260759144\nc;x;4;1;1\n"
    ).report
    #expect(
      report.layout
        == "table: user_id = userid, movie_id = item, rating = score, timestamp = ts")
    #expect(report.separator == "semicolon" && report.encoding == "UTF-8")
    #expect(report.lowestStars == 0.5 && report.highestStars == 3.5)
    #expect(report.times == ["seconds", "ISO 8601, UTC"])
    #expect(report.rows == 3 && report.valid == 2 && report.invalid == 1)
    #expect(report.text.contains("3 rows: 2 valid, 1 invalid"))
    #expect(try Contents("1\t2\t3\t1260759144").report.layout == "MovieLens 100K")
    #expect(try Contents("1::2::3::1260759144").report.layout == "MovieLens 1M or 10M")
  }
}

@Suite struct RatingScaleTests {
  private func stars(_ values: String..., scale: Double?) throws -> [Double] {
    try Contents(
      values.map { "1,2,\($0),1260759144\n" }.joined(), scale: scale
    ).ratings.map(\.stars)
  }

  @Test func tenPointsAreHalfStars() throws {
    #expect(try stars("1", "2", "9", "10", "7.0", scale: 10) == [0.5, 1, 4.5, 5, 3.5])
    #expect(try stars("7.4", "7.6", scale: 10) == [3.5, 4])
    #expect(try stars("100", "85", "4", "5", scale: 100) == [5, 4.5, 0.5])
    #expect(try stars("0", "0.4", "11", "-1", scale: 10) == [])
    #expect(try stars("3.5", "3.7", scale: 5) == [3.5])
    let rounded = try Contents("1,2,7.4,1260759144\n1,3,7,1260759144\n", scale: 10).report
    #expect(rounded.rounded == 1 && rounded.highestStars == 3.5)
  }

  private func refusal(_ values: String..., skips: Bool = false, scale: Double? = nil) throws
    -> String?
  {
    let rows = values.map { "1,2,\($0),1260759144\n" }.joined()
    let report = try Contents(rows, scale: scale).report
    return LoadReport(ratings: report).refusal(skipsInvalid: skips, hasScale: scale != nil)
  }

  @Test func aTenPointScaleIsNotTakenForStars() throws {
    let advice = try #require(try refusal("8", "7", "3"))
    #expect(advice.contains(":1: rating is '8', above 5 stars; 2 of 3 ratings are above 5"))
    #expect(advice.contains("add --scale 10"))
    #expect(try refusal("80", "70", "3")?.contains("add --scale 100") == true)
    // Leaving the upper half out would keep the lower one, and mean something else by it.
    #expect(try refusal("8", "7", "3", skips: true)?.contains("--scale 10") == true)
    #expect(try refusal("8", "7", "3", scale: 10) == nil)
  }

  @Test func aSlipOfThePenIsLeftOut() throws {
    #expect(try refusal("4", "3", "8")?.contains("1 of 3 ratings are above 5") == true)
    #expect(try refusal("4", "3", "8", skips: true) == nil)
    #expect(try refusal("4", "0.0", "3", skips: true) == nil)
    let refused = try #require(try refusal("4", "0.0", "3"))
    #expect(refused.contains(":2: rating is '0.0', not 0.5 to 5 in half steps; 1 of 3 rows"))
    #expect(refused.contains("--skip-invalid"))
    #expect(try refusal("8", "7", "3", skips: true, scale: 5) == nil)
    #expect(try refusal("0", "0", skips: true)?.contains("no row is valid") == true)
  }
}
