import Ratings
import Testing

@testable import DataFiles

/// Rows that are not loaded, and files that are no ratings.
@Suite struct RatingFaultTests {
  private static let header = "userId,movieId,rating,timestamp\n"

  @Test(arguments: [
    ("1,2,3.7,1260759144", "rating is '3.7', not 0.5 to 5 in half steps", "multiple_of:rating"),
    ("1,2,0,1260759144", "rating is '0', not 0.5 to 5 in half steps", "between:rating"),
    ("1,2,8,1260759144", "rating is '8', above 5 stars", "between:rating"),
    ("1,2,,1260759144", "there is no rating", "exist:rating"),
    ("1,2,nan,1260759144", "rating is 'nan', not 0.5 to 5 in half steps", "of_type:rating"),
    ("x,2,3,1260759144", "user_id is 'x', not a whole number of 0 to 2^63 - 1", "of_type:user_id"),
    (",2,3,1260759144", "there is no user_id", "be_null:user_id"),
    ("1.5,2,3,1260759144", "user_id is '1.5', not a whole number of 0 to 2^63 - 1", "type:user_id"),
    (
      "\"1,000\",2,3,1260759144", "user_id is '1,000', not a whole number of 0 to 2^63 - 1",
      "of_type:user_id"
    ),
    (
      "1,\"1,234,567\",3,1260759144", "movie_id is '1,234,567', not a whole number",
      "of_type:movie_id"
    ),
    ("1,-2,3,1260759144", "movie_id is '-2', not a whole number of 0 to 2^63 - 1", "movie_id"),
    (
      "9223372036854775808,2,3,1260759144",
      "user_id is '9223372036854775808', not a whole number of 0 to 2^63 - 1", "between:user_id"
    ),
    ("1,2,3,", "there is no timestamp", "be_null:timestamp"),
    ("1,2,3,soon", "timestamp is 'soon', neither seconds since 1970 nor ISO 8601", "timestamp"),
    ("1,2,3,12/31/2005", "timestamp is '12/31/2005', neither seconds", "timestamp"),
    ("1,2,3,4", "timestamp is '4', not from 1995 to now", "between:timestamp"),
    ("1,2,3,4070908800", "timestamp is '4070908800', not from 1995 to now", "between:timestamp"),
    ("1,2,3", "it has 3 fields, not 4", "well_formed"),
    ("1,2,3,1260759144,5", "it has 5 fields, not 4", "well_formed"),
    ("1,2,\"3,1260759144", "a quote is not closed", "well_formed"),
    ("1,2,\"3\"4,1260759144", "text follows a closing quote", "well_formed"),
  ])
  func aBadRowIsNamedAndTheOthersAreRead(row: String, message: String, rule: String) throws {
    let good = "7,8,4.5,1260759144"
    let contents = try Contents("\(Self.header)\(good)\n\(row)\n\(good)\n")
    #expect(
      contents.ratings == [Loaded(7, 8, 4.5, 1_260_759_144), Loaded(7, 8, 4.5, 1_260_759_144)])
    #expect(contents.faults.count == 1)
    #expect(contents.faults.first?.hasPrefix("3: \(message)") == true, "\(contents.faults)")
    #expect(contents.rules.first?.first?.contains(rule) == true, "\(contents.rules)")
    #expect(contents.report.faults.first?.line == 3)
  }

  @Test func trailingSeparatorsAreNoFields() throws {
    #expect(try Contents("\(Self.header)1,2,3,1260759144,,\n").faults.isEmpty)
  }

  @Test func linesOfJSONAreJudgedAsEvents() throws {
    let contents = try Contents(
      """
      {"user_id":1,"movie_id":31,"rating":2.5,"timestamp":1260759144}
      {"user_id":1,"rating":2.5,"timestamp":1260759144}
      {"user_id":1,"movie_id":31,"rating":null,"timestamp":1260759145}
      nothing
      """, name: "ratings.jsonl")
    #expect(contents.ratings.count == 2)
    #expect(contents.faults.map { $0.prefix(2) } == ["2:", "4:"])
    #expect(contents.faults[0] == "2: movie_id is missing")
    #expect(contents.faults[1].hasPrefix("4: the value is text, but not JSON"))
    #expect(contents.rules[0] == ["expect_column_values_to_not_be_null:movie_id"])
  }

  @Test func eventsAreJudgedByThePolicyOfTheirIntake() throws {
    let text = """
      {"user_id":"1","movie_id":31,"rating":2.5,"timestamp":"2016-12-14 02:52:24"}
      {"user_id":1,"movie_id":31,"rating":2.5,"timestamp":"2016-12-14 02:52:24"}
      """
    #expect(try Contents(text, name: "ratings.jsonl").faults.isEmpty)
    let east = ZoneOffsets(offsetMilliseconds: 3_600_000)
    let strict = ZonedPolicy(IntakePolicy(accepts: []), zone: east)
    let contents = try Contents(text, name: "ratings.jsonl", policy: strict)
    #expect(contents.faults.map { $0.prefix(2) } == ["1:"])
    #expect(contents.ratings.map(\.seconds) == [1_481_680_344])
  }

  @Test(arguments: [
    ("", "it is empty"), ("\n \n", "it is empty"),
    ("Const,Your Rating,Date Rated,Title\ntt0113277,9,2021-05-01,Heat\n", "IMDb export"),
    ("Date,Name,Year,Letterboxd URI,Rating\n2021-01-01,Heat,1995,https://x,4\n", "Letterboxd"),
    ("1:\n1488844,3,2005-09-06\n", "Netflix prize"),
    ("\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"276725\";\"034545104X\";\"0\"\n", "Book-Crossing"),
    ("tconst\taverageRating\tnumVotes\ntt0000001\t5.7\t2000\n", "IMDb's data sets"),
    ("movieId,imdbId,tmdbId\n1,0114709,862\n", "links.csv"),
    ("userId,movieId,tag,timestamp\n2,60756,funny,1445714994\n", "tags.csv"),
    ("Book Id,Title,Author,My Rating\n1,A,B,5\n", "Goodreads"),
    ("[{\"user_id\":1}]", "write an event a line"), ("{\n\"user_id\":1}", "write an event a line"),
    ("<!DOCTYPE html><html>", "a web page"), ("<?xml version=\"1.0\"?>", "it is XML"),
    ("version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    ("PAR1xxxx", "Parquet"), ("SQLite format 3\0", "SQLite"),
    ("%PDF-1.4", "PDF"), ("a\0b\0\0\0c", "it is not text"),
    ("1,2,3\n4,5,3\n", "three columns without names"),
    ("0,1,2,3.5,1260759144\n", "5 columns without names"),
    (
      "userId,movieId,rating\n1,2,3\n", "the header has no column timestamp; its columns are userId"
    ),
    ("movieId,title,genres\n1,Heat,Crime\n", "it is a file of movies"),
    ("1,2,3.5,x,1\nuser,item\n", "it has 5 columns without names"),
    (
      "userId,user_id,movieId,rating,timestamp\n",
      "several columns could be user_id: userId, user_id"
    ),
    ("a,b,c\n1,2,3\n", "it is not a table of ratings"),
    ("hello world\n", "it is not a table of ratings"),
  ])
  func whatIsNoTableOfRatingsIsNamed(content: String, message: String) {
    let refused = refusal { try Contents(content) }
    #expect(refused?.contains(message) == true, "\(refused ?? "nothing")")
  }

  @Test(
    arguments: [
      ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive"), (Array("Rar!".utf8), "a rar archive"),
      ([0xD0, 0xCF, 0x11, 0xE0], "an old Excel workbook"), ([0x80, 0x04, 0x95], "a Python pickle"),
      ([0xFF, 0xFE, 0, 0, 0x31, 0, 0, 0], "UTF-32"),
    ] as [([UInt8], String)])
  func otherFormatsAreNamedByTheirSignature(head: [UInt8], name: String) {
    let refused = refusal { try Contents(["ratings.csv": head], path: "ratings.csv") }
    #expect(refused?.contains(name) == true, "\(refused ?? "nothing")")
  }

  @Test func aFileWithoutRowsIsNotLoaded() throws {
    let report = LoadReport(ratings: try Contents(Self.header).report)
    #expect(
      report.refusal(skipsInvalid: true, hasScale: false)?.hasSuffix("there is no row in it")
        == true)
  }

  @Test func aScaleIsForTables() {
    let line = #"{"user_id":1,"movie_id":31,"rating":2.5,"timestamp":1260759144}"#
    #expect(refusal { try Contents(line, scale: 10) }?.contains("--scale is for tables") == true)
  }
}
