import Codecs
import Ratings
import TestSupport
import Testing

/// A refusal, and words that its explanation must have.
struct Refusal: Sendable, CustomTestStringConvertible {
  var value: [UInt8]?
  var field: String?
  var words: [String]

  init(_ value: String, _ field: String?, _ words: String...) {
    self.value = Array(value.utf8)
    self.field = field
    self.words = words
  }

  init(bytes: [UInt8]?, _ words: String...) {
    value = bytes
    self.words = words
  }

  var testDescription: String { words.joined(separator: ", ") }
}

private func event(
  _ user: String = "100", _ movie: String = "7", _ rating: String = "4.0",
  _ timestamp: String = "1700000000", _ rest: String = ""
) -> String {
  #"{"user_id":\#(user),"movie_id":\#(movie),"rating":\#(rating),"timestamp":\#(timestamp)\#(rest)}"#
}

private let fields: [Refusal] = [
  Refusal(
    event("100", "7", "4.0", #""2023-11-14 23:13:20""#), "timestamp",
    "timestamp 2023-11-14T23:13:20Z is 3,600 s ahead of the record's time 2023-11-14T22:13:20Z",
    "60 s are allowed", "a time without a zone is read as UTC (intake.time_zone)"),
  Refusal(event("100", "7", "4.0", "1700000060.25"), "timestamp", "60.250 s ahead"),
  Refusal(event("100", "7", "4.0", "788918399"), "timestamp", "1 s before 1995"),
  Refusal(event("100", "7", "4.0", "0"), "timestamp", "788,918,400 s before 1995"),
  Refusal(event("100", "7", "4.0", "-9223372036854775"), "timestamp", "before 1995"),
  Refusal(event("100", "7", "4.0", "500000000000"), "timestamp", "not a time from 1995 to 9999"),
  Refusal(
    event("100", "7", "4.0", #""yesterday""#), "timestamp", "yesterday is not a time in the form",
    "2024-01-15T11:30:00Z (ISO 8601)"),
  // ISO 8601 too, in a form that is not read.
  Refusal(
    event("100", "7", "4.0", #""20240115T113000Z""#), "timestamp", "is not a time in the form"),
  Refusal(event("100", "7", "4.0", "[2024,1,15]"), "timestamp", "an array", "ISO 8601"),
  Refusal(event(#""abc""#), "user_id", "user_id is text, and not a number", "a whole number"),
  Refusal(event(#""007""#), "user_id", "leading zeros"),
  Refusal(event(#""  ""#), "user_id", "blank"),
  Refusal(event("1.5"), "user_id", "1.5 has a fraction"),
  Refusal(event("-3"), "user_id", "user_id -3 is 3 below 0"),
  Refusal(event("9223372036854775808"), "user_id", "2^63"),
  Refusal(event(#"{"$numberLong":"1"}"#), "user_id", "MongoDB"),
  Refusal(event("1", "7", "4", #"{"$date":1}"#), "timestamp", "an object, as MongoDB"),
  Refusal(event(#"{"long":1}"#), "user_id", "Avro's JSON encoding"),
  Refusal(
    event("1", "7", "4", "1700000000", #","genres":"Action, Adventure, Animation, Children""#),
    "genres", "genre Action, Adv", "38 bytes, 6 more than the 32 allowed: names have bars"),
  Refusal(
    event("1", "7", "4", "1700000000", #","genres":"Action||Drama""#), "genres", "an empty name"),
  Refusal(event("1", "7", #"{"scale":1,"value":"LQ=="}"#), "rating", "Debezium", "to double"),
  Refusal(event("1", "7", #""LQ==""#), "rating", "a decimal of Kafka Connect", "to NUMERIC"),
  Refusal(event("1", "7", "4", "[2023,11,14,22,13]"), "timestamp", "an array, as Jackson"),
  Refusal(
    event("1", "7", "4", "133444736000000000"), "timestamp", "ahead of the record's time",
    "the number is read as microseconds"),
  Refusal(event("1", "7", "4", "99999999999999999999999"), "timestamp", "too large a number"),
  Refusal(
    event("1", "7", "4", "1700000000", #","event_type":"""#), "event_type",
    "is blank, and is not one of"),
  Refusal(event("true"), "user_id", "true or false"),
  Refusal(event("100", "7", "5.5"), "rating", "rating 5.5 is 0.5 above 5.0", "ten points"),
  Refusal(event("100", "7", "0"), "rating", "0.5 below 0.5", "null takes a rating back"),
  Refusal(event("100", "7", "3.7"), "rating", "0.2 from 3.5"),
  Refusal(event("100", "7", "3.700000047683716"), "rating", "0.2 from 3.5"),
  Refusal(event("100", "7", #""4,5""#), "rating", "comma for the decimal point"),
  Refusal(event("100", "7", "85"), "rating", "hundred points"),
  Refusal(
    event("100", "7", "4", "1700000000", #","event_type":"ratings""#), "event_type",
    "not one of rating, view, click, search; did you mean rating?"),
  Refusal(
    event(
      "100", "7", "4", "1700000000", #","session_id":"\#(String(repeating: "s", count: 130))""#),
    "session_id", "130 bytes, 2 more than the 128"),
  Refusal(
    event("100", "7", "4", "1700000000", #","rating":4.0"#), "rating", "more than once"),
]

private let missing: [Refusal] = [
  Refusal(
    #"{"usr_id":1,"movie_id":7,"rating":4,"timestamp":1700000000}"#, "user_id", "there is usr_id"),
  Refusal(
    #"{"user":1,"movie_id":7,"rating":4,"timestamp":1700000000}"#, "user_id", "there is user:"),
  Refusal(
    #"{"user_id":1,"itemId":7,"rating":4,"timestamp":1700000000}"#, "movie_id", "there is itemId"),
  Refusal(
    #"{"user_id":1,"movie_id":7,"score":4,"timestamp":1700000000}"#, "rating", "there is score"),
  Refusal(
    #"{"user_id":1,"movie_id":7,"rating":4,"created_at":1700000000}"#, "timestamp", "created_at"),
  Refusal(#"{"user_id":1,"movie_id":7,"rating":4}"#, "timestamp", "timestamp is missing"),
  Refusal(
    #"{"user_id":null,"movie_id":7,"rating":4,"timestamp":1700000000}"#, "user_id", "is null"),
  Refusal(
    #"{"record":{"user_id":1,"movie_id":7},"timestamp":1700000000,"rating":4,"movie_id":7}"#,
    "user_id", "wrapped in `record`"),
  Refusal(#"{"op":"t","after":null,"source":{},"ts_ms":1}"#, "user_id", "op is t"),
  Refusal(#"{"source":{},"op":"t","ts_ms":1}"#, "user_id", "op is t"),
  Refusal(
    #"{"op":"c","after":"{\"user_id\":1}"}"#, "user_id", "`after` holds text", "encoded twice"),
  Refusal(
    #"{"specversion":"1.0","data":"{\"user_id\":1}"}"#, "user_id", "`data` holds text",
    "encoded twice"),
  Refusal(#"{"op":"c","after":[1]}"#, "user_id", "`after` holds no object, but [1]"),
  Refusal(#"{"data":\#(event())}"#, "user_id", "wrapped in `data`"),
  Refusal(#"{"type":"x","payload":\#(event())}"#, "user_id", "wrapped in `payload`"),
  Refusal(#"{"data":[\#(event())],"type":"INSERT"}"#, "user_id", "`data` is an array of events"),
  Refusal(
    #"{"Message":"{\"user_id\": 1, \"movie_id\": 2}"}"#, "user_id",
    "`Message` holds the event as text",
    "encoded twice"),
  Refusal(#"{"op":"d","before":{"id":7},"after":null,"ts_ms":1}"#, "user_id", "REPLICA IDENTITY"),
  Refusal(
    #"{"user_idx":1,"movie_id":7,"rating":4,"timestamp":1700000000}"#, "user_id",
    "there is user_idx"),
  Refusal(
    #"{"user_id":1,"movie_id":7,"ratings":4,"timestamp":1700000000}"#, "rating", "there is ratings"),
  Refusal(
    #"{"user_id":1,"movie_id":7,"rating":4,"time":1700000000}"#, "timestamp", "there is time:"),
  Refusal(
    #"{"user id":1,"movie_id":7,"rating":4,"timestamp":1700000000}"#, "user_id",
    "there is user id: name it user_id"),
  Refusal(#"{"op":"d","before":null,"ts_ms":1700000000000}"#, "user_id", "REPLICA IDENTITY"),
]

private let documents: [Refusal] = [
  Refusal(bytes: nil, "null or empty", #""rating":null"#),
  Refusal(bytes: [], "null or empty"),
  Refusal(bytes: Array(#"{"schema":{},"payload":null}"#.utf8), "`payload` is null"),
  Refusal(bytes: Array(#""{\"user_id\":1}""#.utf8), "encoded twice"),
  Refusal(bytes: Array("[\(event())]".utf8), "an array"),
  Refusal(bytes: Array("\(event())\n\(event())".utf8), "after its first object"),
  Refusal(bytes: Array("{'user_id': 1}".utf8), "json.dumps"),
  Refusal(bytes: Array(event("NaN").utf8), "NaN"),
  Refusal(bytes: Array(event().utf8) + [0], "NUL byte"),
  Refusal(bytes: event().utf16.flatMap { [UInt8($0), 0] }, "UTF-16"),
  Refusal(bytes: [0, 0, 0, 0, 7, 2, 14, 2, 14], "Confluent's schema 7", "Avro"),
  Refusal(bytes: [0x1F, 0x8B, 8, 0], "gzip", "compression.type"),
  Refusal(bytes: [3, 5] + [UInt8](repeating: 0x11, count: 20), "compressed", "AWS Glue"),
  Refusal(bytes: Array("1,2,4.0,1700000000".utf8), "a row of a table", "projectionist load"),
  Refusal(bytes: Array("1::2::4::1700000000".utf8), "a row of a table"),
  Refusal(bytes: Array("\u{FEFF}{'user_id':1}".utf8), "has single quotes"),
  Refusal(bytes: Array(event("07").utf8), "has 07, which is no number in JSON"),
  Refusal(bytes: Array(event("1", "7", "+4").utf8), "has +4,"),
  Refusal(bytes: Array(event("1", "7", ".5").utf8), "has .5,"),
  Refusal(bytes: Array(event("1", "7", "4.").utf8), "has 4.,"),
  Refusal(bytes: Array(event("1", "7", "4.5f").utf8), "has 4.5f,"),
  Refusal(
    bytes: Array(#"{"a":\#(String(repeating: "[", count: 1100))1}"#.utf8), "nested deeper than 1024"
  ),
]

@Suite struct ExplanationTests {
  @Test(arguments: fields + missing + documents)
  func saysWhatIsWrong(_ refusal: Refusal) throws {
    guard case .invalid(let failed, let details) = judge(refusal.value) else {
      Issue.record("it is valid")
      return
    }
    #expect(details.map(\.expectation) == Array(failed))
    let detail = try #require(details.first { $0.field == refusal.field })
    for words in refusal.words {
      #expect(detail.message.contains(words), "\(detail.message)")
    }
  }

  @Test func namesTheSettingThatIsMissing() {
    let strict = IntakePolicy(accepts: [])
    for (value, words) in [
      (event("100", "7", "4", "1700000000000"), "looks like milliseconds"),
      (event("100", "7", "4", #""1700000000""#), "number_as_text"),
      (event(#""100""#), "number_as_text"), (event("1", "7", "4.0000001"), "float_noise"),
      (#"{"userId":1,"movie_id":7,"rating":4,"timestamp":1700000000}"#, "add spelling"),
      (#"{"schema":{},"payload":\#(event())}"#, "connect_envelope"),
      (#"{"op":"c","after":\#(event())}"#, "debezium_envelope"),
      (#"{"specversion":"1.0","data":\#(event())}"#, "cloud_events"),
      ("\u{FEFF}\(event())", "byte_order_mark"),
      ("\0\0\0\0\u{7}\(event())", "schema_prefix"),
    ] {
      let messages = judge(value, strict).messages
      #expect(messages.contains { $0.contains(words) }, "\(messages)")
    }
  }

  /// Whatever the bytes, what is shown of them is short and clean.
  @Test func cutsWhatItShows() {
    let long = String(repeating: "ü", count: 100_000)
    for value in [event("\"\(long)\""), event("[\"\(long)\"]"), long, "{\"\(long)\":1}"] {
      guard case .invalid(_, let details) = judge(value) else { continue }
      for detail in details {
        #expect(detail.message.count < 500 && (detail.value ?? "").count <= 65)
      }
    }
  }

  /// No bytes end the process, and what is refused is explained: damage to events in all forms.
  @Test func explainsRandomDamage() {
    var generator = SeededGenerator(seed: 15)
    let forms = [
      event(), event(#""100""#, "7", #""4.5""#, #""2023-11-14""#),
      #"{"schema":{},"payload":{"before":\#(event()),"after":null,"op":"d","ts_ms":1}}"#,
      #"{"specversion":"1.0","data_base64":"eyJhIjoxfQ==","time":"2023-11-14T00:00:00Z"}"#,
      "[\(event())]", "{'user_id': 1, 'rating': None}",
    ]
    for round in 0..<20_000 {
      var bytes = Array(forms[round % forms.count].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let at = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where bytes.count > 1: bytes.remove(at: at)
        case 1: bytes.insert(.random(in: 0...255, using: &generator), at: at)
        case 2: bytes.removeSubrange(at..<bytes.count)
        default: bytes[at] = .random(in: 0...255, using: &generator)
        }
        if bytes.isEmpty { bytes = [0x7B] }
      }
      guard case .invalid(let failed, let details) = judge(bytes) else { continue }
      #expect(details.map(\.expectation) == Array(failed) && !failed.isEmpty)
      #expect(details.allSatisfy { !$0.message.isEmpty })
    }
  }
}
