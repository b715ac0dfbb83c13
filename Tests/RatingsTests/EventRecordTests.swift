import Codecs
import Ratings
import TestSupport
import Testing

@Suite struct EventTimeTests {
  @Test(arguments: [
    ("2023-11-14T22:13:20Z", 1_700_000_000_000),
    ("2023-11-14t22:13:20z", 1_700_000_000_000),
    ("2023-11-14 22:13:20", 1_700_000_000_000),
    ("2023-11-14T22:13:20", 1_700_000_000_000),
    ("2023-11-14T22:13", 1_699_999_980_000),
    ("2023-11-14T22:13Z", 1_699_999_980_000),
    ("2023-11-14", 1_699_920_000_000),
    ("2023-11-14T22:13:20.5Z", 1_700_000_000_500),
    ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123),
    ("2023-11-14T22:13:20,25", 1_700_000_000_250),
    ("2023-11-14T23:13:20+01:00", 1_700_000_000_000),
    ("2023-11-14T23:13:20+0100", 1_700_000_000_000),
    ("2023-11-14T23:13:20+01", 1_700_000_000_000),
    ("2023-11-14T16:43:20-05:30", 1_700_000_000_000),
    ("1970-01-01T00:00:00Z", 0),
    ("1969-12-31T23:59:59.999Z", -1),
    ("2000-02-29", 951_782_400_000),
    ("1900-03-01", -2_203_891_200_000),
    ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ("0000-01-01", -62_167_219_200_000),
  ])
  func reads(_ text: String, _ expected: Int64) {
    #expect(EventTime.milliseconds(iso8601: Array(text.utf8).span.bytes) == expected)
  }

  @Test(arguments: [
    "", "2023", "2023-11", "2023-11-1", "20231114", "2023-13-01", "2023-00-01", "2023-02-29",
    "1900-02-29", "2023-11-31", "2023-11-00", "2023-11-14T", "2023-11-14T22", "2023-11-14T24:00",
    "2023-11-14T22:60", "2023-11-14T22:13:61", "2023-11-14T22:13:20.", "2023-11-14T22:13:20.Z",
    "2023-11-14T22:13:20 Z", "2023-11-14T22:13:20+", "2023-11-14T22:13:20+1",
    "2023-11-14T22:13:20+01:", "2023-11-14T22:13:20+01:60", "2023-11-14T22:13:20+24:00",
    "2023-11-14T22:13:20Zx", "2023-11-14Z", "２０２３-11-14", "+2023-11-14", "1700000000",
  ])
  func refuses(_ text: String) {
    #expect(EventTime.milliseconds(iso8601: Array(text.utf8).span.bytes) == nil)
  }

  @Test func everyDayFollowsTheOneBefore() {
    var expected: Int64 = 0
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    for year in 1970...2400 {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      for month in 1...12 {
        for day in 1...(lengths[month - 1] + (isLeap && month == 2 ? 1 : 0)) {
          let text = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
          let time = EventTime.milliseconds(iso8601: Array(text.utf8).span.bytes)
          if time != expected { Issue.record("\(text) is \(String(describing: time))") }
          expected += EventTime.millisecondsPerDay
        }
      }
    }
  }
}

@Suite struct EventRecordTests {
  @Test func everyExpectationHasANameOfItsOwn() {
    let names = Set(Expectation.allCases.map(\.name.description))
    #expect(names.count == Expectation.allCases.count && Expectation.allCases.count <= 64)
    var all = ExpectationSet()
    for expectation in Expectation.allCases { all.insert(expectation) }
    #expect(Array(all) == Expectation.allCases)
    #expect(all.count == Expectation.allCases.count)
  }

  @Test func writesVerdicts() {
    #expect(
      written { writeVerdict(failed: [], topic: "user-ratings", source: source, to: &$0) }
        == #"{"valid":true,"failed":[],"topic":"user-ratings","partition":3,"offset":12}"#)
    let failed: ExpectationSet = [.ratingBetween, .valueIsObject]
    #expect(
      written { writeVerdict(failed: failed, topic: "user-ratings", source: source, to: &$0) }
        == #"{"valid":false,"failed":["expect_value_to_be_json_object","#
        + #""expect_column_values_to_be_between:rating"],"topic":"user-ratings","partition":3,"#
        + #""offset":12}"#)
    let detail = EventDetail(.ratingBetween, field: "rating", value: "7", message: "too \"high\"")
    #expect(
      written {
        writeVerdict(
          failed: [.ratingBetween], details: [detail], topic: "user-ratings", source: source,
          to: &$0)
      }
        == #"{"valid":false,"failed":["expect_column_values_to_be_between:rating"],"details":["#
        + #"{"expectation":"expect_column_values_to_be_between:rating","field":"rating","#
        + #""value":"7","message":"too \"high\""}],"topic":"user-ratings","partition":3,"offset":12}"#
    )
    #expect(
      written {
        writeVerdict(
          failed: [], coerced: [.spelling, .epochMilliseconds], topic: "user-ratings",
          source: source, to: &$0)
      }
        == #"{"valid":true,"failed":[],"coerced":["epoch_milliseconds","spelling"],"#
        + #""topic":"user-ratings","partition":3,"offset":12}"#)
    #expect(
      failed.joinedNames
        == "expect_value_to_be_json_object, expect_column_values_to_be_between:rating")
  }

  @Test func writesCanonicalEvents() {
    let event = RatingEvent(
      user: 100, movie: 1234, rating: stars(4), timeMilliseconds: 1_700_000_000_000, source: source)
    let genres = Array(#"["A","B"]"#.utf8)
    #expect(
      written { writeCanonicalEvent(event, genres: genres.span.bytes, to: &$0) }
        == #"{"user_id":100,"movie_id":1234,"rating":4.0,"timestamp_ms":1700000000000,"#
        + #""event_type":"rating","genres":["A","B"],"source_partition":3,"source_offset":12,"#
        + #""source_time_ms":null}"#)
    let takeBack = RatingEvent(
      user: 1, movie: 2, rating: nil, timeMilliseconds: 3, source: source,
      recordTimeMilliseconds: 4, retracts: SourceCoordinates(partition: 0, offset: 17))
    #expect(
      written { writeCanonicalEvent(takeBack, to: &$0) }
        .hasSuffix(#""source_offset":12,"source_time_ms":4,"retracts":"0:17"}"#))
  }

  /// Records of earlier versions don't name the event's record's time: theirs is the same.
  @Test func theRecordsTimeStandsInForTheEvents() throws {
    var parser = CanonicalEventParser()
    let event =
      #"{"user_id":1,"movie_id":2,"rating":4.0,"timestamp_ms":5,"event_type":"rating","genres":[],"#
      + #""source_partition":0,"source_offset":0"#
    for (field, expected) in [("", Int64(7)), (#","source_time_ms":null"#, -1)] {
      let read = try parser.parse(Array((event + field + "}").utf8).span.bytes, recordTime: 7)
      #expect(read.recordTimeMilliseconds == expected)
    }
  }

  @Test(arguments: [
    "", ":", "1", "1:", ":1", "1:2:3", "a:1", "1:a", "-1:2", "1:-2", " 1:2", "2147483648:0",
    "0:9223372036854775808",
  ])
  func coordinatesAreTwoNumbers(_ text: String) {
    #expect(!judge(take(back: text)).failed.isEmpty)
  }

  private func take(back text: String) -> String {
    #"{"user_id":1,"movie_id":2,"rating":null,"timestamp":1700000000,"retracts":"\#(text)"}"#
  }

  @Test func aTakeBackMayNameItsEvent() {
    let event = judge(take(back: "2147483647:9223372036854775807")).event
    #expect(event?.retracts == SourceCoordinates(partition: .max, offset: .max))
    #expect(event?.retracts?.text == "2147483647:9223372036854775807")
    #expect(
      judge(take(back: "1:2").replacing("null", with: "4")).failed == [
        "expect_column_values_to_be_null:rating"
      ])
    #expect(judge(take(back: "12")).failed == ["expect_column_values_to_match_regex:retracts"])
    #expect(
      judge(take(back: "1:2").replacing(#""1:2""#, with: "12")).failed
        == ["expect_column_values_to_be_of_type:retracts"])
  }

  @Test func readsBackEveryEventItWrites() throws {
    var generator = SeededGenerator(seed: 1)
    var writer = JSONWriter()
    var parser = CanonicalEventParser()
    let texts = ["", "Drama", "Sci-Fi", "\"\\\n\u{1}é🎬", String(repeating: "\t", count: 300)]
    for _ in 0..<2000 {
      let event = RatingEvent(
        user: .random(in: 0 ... .max, using: &generator),
        movie: Bool.random(using: &generator) ? .random(in: 0 ... .max, using: &generator) : nil,
        rating: HalfStars(rawValue: .random(in: 0...11, using: &generator)),
        timeMilliseconds: .random(in: EventTime.representable, using: &generator),
        type: EventType.allCases.randomElement(using: &generator) ?? .view,
        genres: (0..<Int.random(in: 0...4, using: &generator)).compactMap { _ in
          texts.randomElement(using: &generator)
        },
        sessionID: Bool.random(using: &generator) ? texts.randomElement(using: &generator) : nil,
        source: SourceCoordinates(
          partition: .random(in: 0 ... .max, using: &generator),
          offset: .random(in: 0 ... .max, using: &generator)),
        recordTimeMilliseconds: .random(in: -1 ... .max, using: &generator),
        retracts: Bool.random(using: &generator) ? source : nil)
      writer.removeAll()
      writeCanonicalEvent(event, to: &writer)
      let read = try parser.parse(writer.bytes, recordTime: 5)
      #expect(read == event)
    }
  }

  @Test func numbersGenresWhileReading() throws {
    var parser = CanonicalEventParser()
    var dictionary = GenreDictionary()
    let event = RatingEvent(
      user: 1, movie: 2, rating: nil, timeMilliseconds: 5,
      genres: ["War", "(no genres listed)", "Drama", "War"], source: source)
    var writer = JSONWriter()
    writeCanonicalEvent(event, to: &writer)
    let read = try parser.parse(writer.bytes, recordTime: -1, numbering: &dictionary)
    #expect(dictionary.names == ["War", "Drama"])
    #expect(read.genres == GenreSet(rawValue: 0b11) && read.event.genres == [])
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"user_id":1}"#,
    #"{"user_id":1,"rating":4.2,"timestamp_ms":1,"event_type":"rating","source_partition":0,"source_offset":0}"#,
    #"{"user_id":1,"rating":4,"timestamp_ms":-1,"event_type":"rating","source_partition":0,"source_offset":0}"#,
    #"{"user_id":1,"rating":4,"timestamp_ms":1,"event_type":"rating","source_partition":2147483648,"source_offset":0}"#,
    #"{"user_id":1,"rating":4,"timestamp_ms":1,"event_type":"other","source_partition":0,"source_offset":0}"#,
  ])
  func refusesForeignRecords(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: RecordError.self) {
      var parser = CanonicalEventParser()
      _ = try parser.parse(bytes.span.bytes, recordTime: -1)
    }
  }

  @Test func writesAndReadsChanges() throws {
    let change = RatingChange(
      movie: 5, user: 6, old: nil, new: TimedRating(rating: stars(4.5), timeMilliseconds: 9),
      source: source)
    #expect(
      written(change.write)
        == #"{"movie_id":5,"user_id":6,"old":null,"old_timestamp_ms":null,"new":4.5,"#
        + #""new_timestamp_ms":9,"source_partition":3,"source_offset":12}"#)
    var reversed = change
    (reversed.old, reversed.new) = (change.new, change.old)
    var takenBack = reversed
    takenBack.newTakeBackMilliseconds = 11
    var undone = takenBack
    undone.old = nil
    undone.oldTakeBackMilliseconds = 12
    var correction = change
    correction.isCorrection = true
    var parser = RatingChangeParser()
    for change in [change, reversed, takenBack, undone, correction] {
      let read = try parser.parse(Array(written(change.write).utf8).span.bytes)
      #expect(read == change)
    }
  }
}
