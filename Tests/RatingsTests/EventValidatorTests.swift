import Codecs
import Ratings
import TestSupport
import Testing

/// One bad value and every rule it must be found to break.
struct BadValue: Sendable, CustomTestStringConvertible {
  var what: String
  var bytes: [UInt8]?
  var failed: [String]

  init(_ what: String, _ text: String, _ failed: String...) {
    self.what = what
    bytes = Array(text.utf8)
    self.failed = failed
  }

  init(_ what: String, bytes: [UInt8]?, _ failed: String...) {
    self.what = what
    self.bytes = bytes
    self.failed = failed
  }

  /// An event that is good but for one field.
  init(_ what: String, _ field: String, is json: String, _ failed: String...) {
    var fields = [
      ("user_id", "100"), ("movie_id", "1234"), ("rating", "5.0"), ("timestamp", "1700000000"),
    ]
    fields.removeAll { $0.0 == field }
    fields.append((field, json))
    self.what = what
    bytes = Array("{\(fields.map { "\"\($0)\":\($1)" }.joined(separator: ","))}".utf8)
    self.failed = failed
  }

  var testDescription: String { what }
}

private let notNull = "expect_column_values_to_not_be_null:"
private let ofType = "expect_column_values_to_be_of_type:"
private let between = "expect_column_values_to_be_between:"
private let unique = "expect_object_keys_to_be_unique:"
private let lengths = "expect_column_value_lengths_to_be_between:"
private let multiple = "expect_column_values_to_be_multiple_of:"
private let object = "expect_value_to_be_json_object"
private let good = #"{"user_id":100,"movie_id":1234,"rating":5.0,"timestamp":1700000000}"#

private let brokenDocuments: [BadValue] = [
  .init("null value", bytes: nil, "expect_value_to_not_be_null"),
  .init("empty value", bytes: [], "expect_value_to_not_be_null"),
  .init("white space", "  \n ", object),
  .init(
    "not UTF-8",
    bytes: Array(good.dropLast().utf8) + Array(#","x":""#.utf8) + [0xFF] + Array(#""}"#.utf8),
    object),
  .init("UTF-16", bytes: good.utf16.flatMap { [UInt8($0), 0] }, object),
  .init("deep nesting", String(repeating: "[", count: 100_000), object),
  .init(
    "deep nesting, closed",
    "{\"a\":" + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
      + "}", object),
  .init("truncated", String(good.dropLast(12)), object),
  .init("trailing garbage", good + "x", object),
  .init("two documents", good + good, object),
  .init("array", "[\(good)]", object),
  .init("number", "12", object),
  .init("string", "\"rating\"", object),
  .init("literal null", "null", object),
  .init("NUL byte", bytes: [0], object),
  .init("prefix without payload", bytes: [0, 0, 0, 0, 1], object),
  .init("ten megabytes of nothing", bytes: [UInt8](repeating: 0x20, count: 10 << 20), object),
  .init(
    "ten megabytes of one string", "\"" + String(repeating: "a", count: 10 << 20) + "\"", object),
  .init("NaN", "rating", is: "NaN", object),
  .init("Infinity", "rating", is: "Infinity", object),
  .init("number with leading zero", "rating", is: "05", object),
  .init("number with bare point", "rating", is: "5.", object),
  .init("huge number, malformed", "rating", is: "1e999x", object),
  .init("lone surrogate", "session_id", is: #""\ud800""#, object),
]

private let brokenIdentifiers: [BadValue] = [
  .init("user missing", #"{"movie_id":1,"rating":1,"timestamp":1700000000}"#, notNull + "user_id"),
  .init("user null", "user_id", is: "null", notNull + "user_id"),
  .init("user as text", "user_id", is: #""user 100""#, ofType + "user_id"),
  .init("user as text with leading zeros", "user_id", is: #""0100""#, ofType + "user_id"),
  .init("user as text with a fraction", "user_id", is: #""100.5""#, ofType + "user_id"),
  .init("user as blank text", "user_id", is: #"" ""#, ofType + "user_id"),
  .init("user as text, 2^63", "user_id", is: #""9223372036854775808""#, between + "user_id"),
  .init("user as text, negative", "user_id", is: #""-1""#, between + "user_id"),
  .init("user as boolean", "user_id", is: "true", ofType + "user_id"),
  .init("user as array", "user_id", is: "[100]", ofType + "user_id"),
  .init("user with fraction", "user_id", is: "100.5", ofType + "user_id"),
  .init("user negative", "user_id", is: "-1", between + "user_id"),
  .init("user 2^63", "user_id", is: "9223372036854775808", between + "user_id"),
  .init("user 2^64", "user_id", is: "18446744073709551616", between + "user_id"),
  .init("user below -2^63", "user_id", is: "-9223372036854775809", between + "user_id"),
  .init("user 1e19", "user_id", is: "1e19", between + "user_id"),
  .init("user 1e999", "user_id", is: "1e999", between + "user_id"),
  .init("movie missing", #"{"user_id":1,"rating":1,"timestamp":1700000000}"#, notNull + "movie_id"),
  .init("movie null", "movie_id", is: "null", notNull + "movie_id"),
  .init("movie as object", "movie_id", is: "{}", ofType + "movie_id"),
  .init("movie negative, as float", "movie_id", is: "-5.0", between + "movie_id"),
  .init("key twice", good.dropLast() + #","rating":4.0}"#, unique + "rating"),
  .init("key twice, escaped", good.dropLast() + #","user\u005fid":100}"#, unique + "user_id"),
]

private let brokenValues: [BadValue] = [
  .init(
    "rating missing", #"{"user_id":1,"movie_id":1,"timestamp":1700000000}"#,
    "expect_column_to_exist:rating"),
  .init("rating as text", "rating", is: #""five""#, ofType + "rating"),
  .init("rating as text, 7", "rating", is: #""7""#, between + "rating"),
  .init("rating as text, 1e999", "rating", is: #""1e999""#, between + "rating"),
  .init("rating of single precision", "rating", is: "3.700000047683716", multiple + "rating"),
  .init("rating 5.5", "rating", is: "5.5", between + "rating"),
  .init("rating 0", "rating", is: "0", between + "rating"),
  .init("rating -3", "rating", is: "-3", between + "rating"),
  .init("rating 1e999", "rating", is: "1e999", between + "rating"),
  .init("rating -1e999", "rating", is: "-1e999", between + "rating"),
  .init("rating 3.7", "rating", is: "3.7", multiple + "rating"),
  .init(
    "rating 0.3", "rating", is: "0.3", between + "rating",
    "expect_column_values_to_be_multiple_of:rating"),
  .init("timestamp missing", #"{"user_id":1,"movie_id":1,"rating":1}"#, notNull + "timestamp"),
  .init("timestamp null", "timestamp", is: "null", notNull + "timestamp"),
  .init("timestamp as boolean", "timestamp", is: "false", ofType + "timestamp"),
  .init(
    "timestamp no date", "timestamp", is: #""yesterday""#,
    "expect_column_values_to_be_dateutil_parseable:timestamp"),
  .init("timestamp in 1994", "timestamp", is: "788918399", between + "timestamp"),
  .init("timestamp ahead", "timestamp", is: "1700000061", between + "timestamp"),
  .init("timestamp ahead by a fraction", "timestamp", is: "1700000060.001", between + "timestamp"),
  .init("milliseconds ahead", "timestamp", is: "1700000061000", between + "timestamp"),
  .init("between seconds and milliseconds", "timestamp", is: "500000000000", between + "timestamp"),
  .init("timestamp in picoseconds", "timestamp", is: "1.7e21", between + "timestamp"),
  .init(
    "timestamp beyond all bounds", "timestamp", is: "9223372036854775807", between + "timestamp"),
  .init("timestamp 1e300", "timestamp", is: "1e300", between + "timestamp"),
  .init("timestamp 1e999", "timestamp", is: "1e999", between + "timestamp"),
  .init(
    "timestamp as blank text", "timestamp", is: #"" ""#,
    "expect_column_values_to_be_dateutil_parseable:timestamp"),
  .init(
    "event type unknown", "event_type", is: #""purchase""#,
    "expect_column_values_to_be_in_set:event_type"),
  .init("event type as number", "event_type", is: "1", ofType + "event_type"),
  .init("genres as number", "genres", is: "1", ofType + "genres"),
  .init("genre as number", "genres", is: #"["Drama",1]"#, ofType + "genres"),
  .init("genre empty", "genres", is: #"["Drama",""]"#, lengths + "genres"),
  .init("genre empty between bars", "genres", is: #""Drama||War""#, lengths + "genres"),
  .init(
    "genre too long", "genres", is: "[\"\(String(repeating: "é", count: 17))\"]", lengths + "genres"
  ),
  .init(
    "too many genres", "genres",
    is: "\"\(Array(repeating: "A", count: 17).joined(separator: "|"))\"",
    "expect_column_list_lengths_to_be_between:genres"),
  .init("session as number", "session_id", is: "5", ofType + "session_id"),
  .init(
    "session too long", "session_id", is: "\"\(String(repeating: "s", count: 129))\"",
    lengths + "session_id"),
]

@Suite struct EventValidatorTests {
  @Test(arguments: brokenDocuments + brokenIdentifiers + brokenValues)
  func namesEveryBrokenRule(_ bad: BadValue) {
    #expect(judge(bad.bytes).failed == bad.failed)
  }

  @Test func namesAllRulesAtOnce() {
    let verdict = judge(
      #"{"user_id":"x","movie_id":-1,"rating":9.1,"timestamp":1,"event_type":"y","rating":9.1}"#)
    #expect(
      verdict.failed == [
        unique + "rating", ofType + "user_id", between + "movie_id", between + "rating",
        "expect_column_values_to_be_multiple_of:rating", between + "timestamp",
        "expect_column_values_to_be_in_set:event_type",
      ])
  }

  @Test func acceptsTheUsualEvent() {
    #expect(
      judge(good).event
        == RatingEvent(
          user: 100, movie: 1234, rating: stars(5), timeMilliseconds: 1_700_000_000_000,
          source: source, recordTimeMilliseconds: 1_700_000_000_000))
  }

  @Test func acceptsEverythingOptional() {
    let event = judge(
      #"""
      {"extra":{"deep":[1,2]},"timestamp":"2023-11-14T23:13:20.250+01:00","rating":4,"movie_id":7.0,
       "user_id":9223372036854775807,"event_type":"rating","genres":["Drama","Sci-Fi"],
       "session_id":"a\"b"}
      """#
    ).event
    #expect(
      event
        == RatingEvent(
          user: .max, movie: 7, rating: stars(4), timeMilliseconds: 1_700_000_000_250,
          genres: ["Drama", "Sci-Fi"], sessionID: "a\"b", source: source,
          recordTimeMilliseconds: 1_700_000_000_000))
  }

  @Test func acceptsOtherKindsOfEvents() {
    let search = judge(#"{"user_id":0,"timestamp":1700000000,"event_type":"search"}"#).event
    #expect(search?.type == .search && search?.movie == nil)
    let view = judge(#"{"user_id":1,"movie_id":2,"timestamp":1700000000,"event_type":"view"}"#)
    #expect(view.event?.type == .view && view.event?.rating == nil)
    let back = judge(#"{"user_id":1,"movie_id":2,"rating":null,"timestamp":1700000000}"#).event
    #expect(back?.type == .rating && back?.rating == nil && back?.movie == 2)
    let bars = judge(good.dropLast() + #","genres":"Drama|War","event_type":null}"#).event
    #expect(bars?.genres == ["Drama", "War"] && bars?.type == .rating)
  }

  @Test(arguments: [
    ("1700000000", 1_700_000_000_000), ("1700000000.5", 1_700_000_000_500),
    ("1.7e9", 1_700_000_000_000), ("1700000000.1239", 1_700_000_000_124),
    ("788918400", 788_918_400_000), ("1700000060", 1_700_000_060_000),
  ])
  func readsTimestamps(_ json: String, _ expected: Int64) {
    let event = judge(#"{"user_id":1,"movie_id":2,"rating":3,"timestamp":\#(json)}"#).event
    #expect(event?.timeMilliseconds == expected)
  }

  @Test func withoutARecordTimestampNothingIsTooFarAhead() {
    let future = #"{"user_id":1,"movie_id":2,"rating":3,"timestamp":4102444800}"#
    #expect(judge(future).event == nil)
    #expect(judge(future, recordTimestampMilliseconds: -1).event != nil)
    #expect(judge(good, recordTimestampMilliseconds: .max).event != nil)
  }

  /// Producers put seconds, microseconds or nothing into the record's time.
  @Test(arguments: [0, 1, 1_700_000_000, 788_918_399_999, 1_700_000_000_000_000, .min])
  func aRecordTimeThatCannotBeTrueCondemnsNothing(_ recordTime: Int64) {
    #expect(judge(good, recordTimestampMilliseconds: recordTime).event?.user == 100)
    let early = judge(good, recordTimestampMilliseconds: 788_918_400_000)
    #expect(early.failed == [between + "timestamp"])
  }

  @Test func theFirstEditionBelievesEveryRecordTime() {
    for recordTime: Int64 in [0, 1_700_000_000] {
      let verdict = judge(good, .earlier, recordTimestampMilliseconds: recordTime)
      #expect(verdict.failed == [between + "timestamp"])
    }
    #expect(judge(good, .earlier, recordTimestampMilliseconds: -1).event != nil)
  }

  @Test func stripsSchemaPrefixes() {
    let number: [UInt8] = [0, 0, 0, 0, 7]
    let guid: [UInt8] = [1] + Array(repeating: 0xAB, count: 16)
    #expect(judge(number + Array(good.utf8)).event?.user == 100)
    #expect(judge(guid + Array(good.utf8)).event?.user == 100)
  }

  @Test func readsOnAfterEveryKindOfBadValue() {
    var validator = EventValidator()
    for bad in brokenDocuments + brokenIdentifiers + brokenValues {
      let bytes = bad.bytes ?? []
      _ = validator.validate(
        value: bytes.span.bytes, recordTimestampMilliseconds: -1, source: source)
      let value = Array(good.utf8)
      let verdict = validator.validate(
        value: value.span.bytes, recordTimestampMilliseconds: -1, source: source)
      #expect(verdict.event?.movie == 1234, "after \(bad.what)")
    }
  }

  @Test func acceptsAHugeValueWithAGoodEventInIt() {
    let text = good.dropLast() + ",\"x\":[" + String(repeating: "1e5,", count: 2_600_000) + "0]}"
    #expect(judge(String(text)).event?.user == 100)
  }

  /// Random damage to a good event: a verdict each time, and only an intact event is valid as it
  /// was.
  @Test func survivesRandomDamage() {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      var bytes = Array(good.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      let verdict = judge(bytes)
      #expect((verdict.event == nil) == !verdict.failed.isEmpty)
    }
  }
}
