import Codecs
import Ratings
import Testing

/// A producer's habit: the value, what it is read as, and the coercions that its verdict names.
struct Habit: Sendable, CustomTestStringConvertible {
  var what: String
  var value: [UInt8]
  var coerced: [String]
  /// In milliseconds since 1970.
  var time: Int64
  var isTakeBack = false
  var cloudTime: Int64?

  init(
    _ what: String, _ value: String, _ coerced: String..., time: Int64 = 1_700_000_000_000,
    isTakeBack: Bool = false, cloudTime: Int64? = nil
  ) {
    self.what = what
    self.value = Array(value.utf8)
    self.coerced = coerced
    self.time = time
    self.isTakeBack = isTakeBack
    self.cloudTime = cloudTime
  }

  init(_ what: String, bytes: [UInt8], _ coerced: String...) {
    self.what = what
    value = bytes
    self.coerced = coerced
    time = 1_700_000_000_000
  }

  var testDescription: String { what }
}

private let good = #"{"user_id":100,"movie_id":7,"rating":4.0,"timestamp":1700000000}"#
private let row = #"{"user_id":100,"movie_id":7,"rating":4.0,"timestamp":1700000000}"#

private func event(
  user: String = "100", movie: String = "7", rating: String = "4.0", timestamp: String
) -> String {
  #"{"user_id":\#(user),"movie_id":\#(movie),"rating":\#(rating),"timestamp":\#(timestamp)}"#
}

private let times: [Habit] = [
  Habit("milliseconds", event(timestamp: "1700000000000"), "epoch_milliseconds"),
  Habit("microseconds", event(timestamp: "1700000000000999"), "epoch_microseconds"),
  Habit("nanoseconds", event(timestamp: "1700000000000999999"), "epoch_nanoseconds"),
  Habit("milliseconds as a float", event(timestamp: "1.7e12"), "epoch_milliseconds"),
  Habit(
    "milliseconds with a fraction", event(timestamp: "1700000000000.25"), "epoch_milliseconds"),
  Habit("nanoseconds as a float", event(timestamp: "1.7e18"), "epoch_nanoseconds"),
  Habit("seconds as text", event(timestamp: #""1700000000""#), "number_as_text"),
  Habit("a float as text", event(timestamp: #"" 1.7e9 ""#), "number_as_text"),
  Habit(
    "milliseconds as text", event(timestamp: #""1700000000000""#), "epoch_milliseconds",
    "number_as_text"),
  Habit("a float", event(timestamp: "1700000000.0001")),
  Habit("ISO 8601", event(timestamp: #""2023-11-14T22:13:20Z""#)),
  Habit("ISO 8601 without a zone", event(timestamp: #""2023-11-14 22:13:20.000999""#)),
]

private let numbers: [Habit] = [
  Habit("a user as text", event(user: #""100""#, timestamp: "1700000000"), "number_as_text"),
  Habit("a movie as text", event(movie: #""7.0""#, timestamp: "1700000000"), "number_as_text"),
  Habit("a rating as text", event(rating: #""4.00""#, timestamp: "1700000000"), "number_as_text"),
  Habit("text with blanks", event(user: #""  100 ""#, timestamp: "1700000000"), "number_as_text"),
  Habit("whole floats", event(user: "100.0", movie: "7.0", timestamp: "1700000000")),
  Habit("noise above", event(rating: "4.000000059604645", timestamp: "1700000000"), "float_noise"),
  Habit("noise below", event(rating: "3.9999998", timestamp: "1700000000"), "float_noise"),
  Habit(
    "noise as text", event(rating: #""4.0000001""#, timestamp: "1700000000"), "number_as_text",
    "float_noise"),
]

private let spellings: [Habit] = [
  Habit("camel case", #"{"userId":100,"movieId":7,"rating":4,"timestamp":1700000000}"#, "spelling"),
  Habit(
    "upper case",
    #"{"USER_ID":100,"MOVIE_ID":7,"RATING":4.0,"TIMESTAMP":1700000000,"EVENT_TYPE":"RATING"}"#,
    "spelling"),
  Habit(
    "Pascal case", #"{"UserID":100,"MovieId":7,"Rating":4.0,"Timestamp":1700000000}"#, "spelling"),
  Habit(
    "kebab case", #"{"user-id":100,"movie-id":7,"rating":4,"timestamp":1700000000}"#, "spelling"),
  Habit("a type in upper case", good.dropLast() + #","event_type":"RATING"}"#, "spelling"),
  Habit("its own name next to another", good.dropLast() + #","userId":5,"User":6}"#),
]

private let prefixes: [Habit] = [
  Habit("Confluent", bytes: [0, 0, 0, 0, 7] + Array(good.utf8), "schema_prefix"),
  Habit(
    "a GUID", bytes: [1] + [UInt8](repeating: 9, count: 16) + Array(good.utf8), "schema_prefix"),
  Habit("Apicurio", bytes: [0, 0, 0, 0, 0, 0, 0, 0, 7] + Array(good.utf8), "schema_prefix"),
  Habit(
    "AWS Glue", bytes: [3, 0] + [UInt8](repeating: 9, count: 16) + Array(good.utf8), "schema_prefix"
  ),
  Habit("a byte order mark", bytes: [0xEF, 0xBB, 0xBF] + Array(good.utf8), "byte_order_mark"),
  Habit(
    "both", bytes: [0, 0, 0, 0, 7, 0xEF, 0xBB, 0xBF] + Array(good.utf8), "schema_prefix",
    "byte_order_mark"),
  Habit("a carriage return", good + "\r\n"),
]

private let envelopes: [Habit] = [
  Habit("Connect", #"{"schema":{"type":"struct"},"payload":\#(row)}"#, "connect_envelope"),
  Habit("Connect without a schema", #"{"payload":\#(row),"schema":null}"#, "connect_envelope"),
  Habit(
    "Debezium", #"{"before":null,"after":\#(row),"op":"c","ts_ms":1700000001000}"#,
    "debezium_envelope"),
  Habit("an update", #"{"before":\#(row),"after":\#(row),"op":"u"}"#, "debezium_envelope"),
  Habit(
    "a delete", #"{"before":\#(row),"after":null,"op":"d","ts_ms":1700000001000}"#,
    "debezium_envelope", time: 1_700_000_001_000, isTakeBack: true),
  Habit(
    "a delete without its time", #"{"before":\#(row),"after":null,"op":"d"}"#, "debezium_envelope",
    isTakeBack: true),
  Habit(
    "a delete of which only the key is known",
    #"{"before":{"user_id":100,"movie_id":7,"rating":null},"op":"d","ts_ms":1700000001000}"#,
    "debezium_envelope", time: 1_700_000_001_000, isTakeBack: true),
  Habit(
    "Debezium in Connect",
    #"{"schema":{},"payload":{"before":null,"after":\#(row),"source":{},"op":"r"}}"#,
    "connect_envelope", "debezium_envelope"),
  Habit(
    "a row that Debezium has unwrapped", row.dropLast() + #","__deleted":"true"}"#,
    "debezium_envelope", isTakeBack: true),
  Habit("such a row that stands", row.dropLast() + #","__deleted":"false"}"#),
  Habit(
    "microseconds in camel case in Debezium",
    #"{"after":{"userId":"100","movieId":7,"rating":4,"timestamp":1700000000000000},"op":"c"}"#,
    "epoch_microseconds", "number_as_text", "spelling", "debezium_envelope"),
  Habit(
    "CloudEvents", #"{"specversion":"1.0","id":"a","source":"/a","type":"r","data":\#(row)}"#,
    "cloud_events"),
  Habit(
    "CloudEvents in Base64",
    #"{"specversion":"1.0","data_base64":"eyJ1c2VyX2lkIjoxMDAsIm1vdmllX2lkIjo3LCJyYXRpbmciOjQsIn"#
      + #"RpbWVzdGFtcCI6MTcwMDAwMDAwMH0="}"#, "cloud_events"),
  Habit(
    "CloudEvents with the time outside",
    #"{"specversion":"1.0","time":"2023-11-14T22:13:21Z","data":{"user_id":100,"movie_id":7,"#
      + #""rating":4}}"#, "cloud_events", time: 1_700_000_001_000),
  Habit(
    "CloudEvents in binary mode with the time in a header",
    #"{"user_id":100,"movie_id":7,"rating":4}"#, "cloud_events", time: 1_700_000_002_000,
    cloudTime: 1_700_000_002_000),
  Habit("CloudEvents in binary mode", good, cloudTime: 1_600_000_000_000),
  Habit(
    "Debezium as CloudEvents",
    #"{"specversion":"1.0","data":{"schema":{},"payload":{"after":\#(row),"op":"c"}}}"#,
    "connect_envelope", "debezium_envelope", "cloud_events"),
]

private let habits = times + numbers + spellings + prefixes + envelopes

@Suite struct CoercionTests {
  @Test(arguments: habits)
  func understandsHabits(_ habit: Habit) {
    let verdict = judge(habit.value, cloudTime: habit.cloudTime)
    #expect(verdict.messages == [])
    #expect(verdict.coerced == habit.coerced)
    let event = verdict.event
    #expect(event?.user == 100 && event?.movie == 7 && event?.timeMilliseconds == habit.time)
    #expect(event?.rating == (habit.isTakeBack ? nil : stars(4)))
  }

  /// What the policy does not accept is refused, with the name that it lacks.
  @Test(arguments: habits.filter { !$0.coerced.isEmpty })
  func refusesWhatIsNotAccepted(_ habit: Habit) {
    for name in habit.coerced {
      let lacking = IntakePolicy(
        accepts: CoercionSet(Coercion.allCases.filter { $0.name.description != name }))
      let verdict = judge(habit.value, cloudTime: habit.cloudTime, lacking)
      if habit.what.contains("unwrapped") {
        // A row that is marked as deleted is an ordinary row to whoever does not know the mark.
        #expect(verdict.event?.rating == stars(4))
        continue
      }
      #expect(verdict.event == nil && !verdict.failed.isEmpty, "without \(name)")
    }
    #expect(judge(habit.value, IntakePolicy(accepts: [])).coerced == [])
  }

  @Test func theEarlierPolicyKnowsConfluentOnly() {
    for habit in habits where !habit.coerced.isEmpty {
      let isKnown = habit.what == "Confluent" || habit.what == "a GUID"
      let isRow = habit.what.contains("unwrapped")
      let verdict = judge(habit.value, cloudTime: habit.cloudTime, .earlier)
      #expect((verdict.event != nil) == (isKnown || isRow), "\(habit.what)")
    }
  }

  /// The names that every event has are plain here, and others are not.
  @Test func optionalFieldsAreFoundInOtherSpellings() {
    let view: String = good.dropLast() + #","eventType":"view","sessionId":"s"}"#
    for spelled in [view, view.replacing("user_id", with: "userId")] {
      let verdict = judge(spelled)
      #expect(verdict.event?.type == .view && verdict.event?.sessionID == "s", "\(spelled)")
      #expect(verdict.coerced == ["spelling"])
    }
    #expect(judge(good.dropLast() + #","eventType":"looked"}"#).event == nil)
    // Without the coercion they are fields of somebody else.
    let strict = judge(view, IntakePolicy(accepts: []))
    #expect(strict.event?.type == .rating && strict.coerced == [])
    // And so are these in any case.
    let other = judge(good.dropLast() + #","deleted":true,"User":6,"source":"web"}"#)
    #expect(other.event?.rating == stars(4) && other.coerced == [])
  }

  /// A policy may change between two records.
  @Test func switchesPolicies() {
    var validator = EventValidator()
    let value = Array(spellings[0].value)
    var accepted: [Bool] = []
    for policy in [IntakePolicy(), .earlier, IntakePolicy()] {
      validator.use(policy, zone: .utc)
      let verdict = validator.validate(
        value: value.span.bytes, recordTimestampMilliseconds: -1, source: source)
      accepted.append(verdict.event != nil)
    }
    #expect(accepted == [true, false, true])
  }

  @Test func skipsTombstonesOfChangeStreams() {
    let key = #"{"user_id":100,"movie_id":7}"#
    #expect(judge(nil, key: key).coerced == ["debezium_tombstone"])
    #expect(judge(nil, key: key).failed.isEmpty)
    #expect(judge(nil, key: #"{"schema":{},"payload":{"id":1}}"#).failed.isEmpty)
    let wrapped = Array(#"{"schema":null,"payload":null}"#.utf8)
    #expect(judge(wrapped, key: key).coerced == ["connect_envelope", "debezium_tombstone"])
    for other in [nil, "", "100", #""100""#, "[1]"] {
      #expect(judge(nil, key: other).failed == ["expect_value_to_not_be_null"])
    }
    #expect(judge(nil, key: key, .earlier).failed == ["expect_value_to_not_be_null"])
  }

  /// Clocks that go forward skip a time, and show one twice when they go back.
  @Test func readsTimesOfAZone() {
    let hour: Int64 = 3_600_000
    // Berlin, 2024.
    let berlin = ZoneOffsets(
      offsetMilliseconds: hour,
      changes: [
        .init(milliseconds: 1_711_846_800_000, offsetMilliseconds: 2 * hour),
        .init(milliseconds: 1_729_990_800_000, offsetMilliseconds: hour),
      ])
    for (text, utc) in [
      ("2024-01-15T11:30:00", "2024-01-15T10:30:00Z"),
      ("2024-03-31T01:59:59.999", "2024-03-31T00:59:59.999Z"),
      ("2024-03-31T02:30:00", "2024-03-31T01:30:00Z"),
      ("2024-03-31T03:30:00", "2024-03-31T01:30:00Z"),
      ("2024-07-01", "2024-06-30T22:00:00Z"),
      ("2024-10-27T02:30:00", "2024-10-27T00:30:00Z"),
      ("2024-10-27T03:00:00", "2024-10-27T02:00:00Z"),
      ("2024-12-24T18:00", "2024-12-24T17:00:00Z"),
      ("2024-07-01T12:00:00Z", "2024-07-01T12:00:00Z"),
      ("2024-07-01T12:00:00-05:00", "2024-07-01T17:00:00Z"),
    ] {
      let expected = EventTime.milliseconds(iso8601: Array(utc.utf8).span.bytes)
      let verdict = judge(
        event(timestamp: "\"\(text)\""), IntakePolicy(timeZone: "Europe/Berlin"), zone: berlin,
        recordTimestampMilliseconds: -1)
      #expect(verdict.event?.timeMilliseconds == expected, "\(text)")
    }
  }
}
