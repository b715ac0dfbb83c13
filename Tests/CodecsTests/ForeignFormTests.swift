import Codecs
import Testing

private let object = #"{"user_id":1,"rating":4.0}"#
private let wide = object.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
private let narrow = Array(object.utf8)

@Suite struct ForeignFormTests {
  @Test(
    arguments: [
      ([0x1F, 0x8B, 8, 0, 0, 0], ForeignForm.gzip), ([0x28, 0xB5, 0x2F, 0xFD, 4, 0], .zstd),
      ([0x04, 0x22, 0x4D, 0x18, 0x64], .lz4), ([0x78, 0x9C, 0xAB, 0x56], .zlib),
      ([0xFF, 6, 0, 0, 0x73, 0x4E, 0x61, 0x50, 0x70, 0x59], .snappy),
      ([0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0], .snappy),
      (wide, .utf16), ([0xFF, 0xFE] + wide, .utf16), (Array(wide.reversed()).reversed(), .utf16),
      (wide.dropLast().reduce(into: [0]) { $0.append($1) }, .utf16),
      ([0xFE, 0xFF, 0, 0x7B], .utf16), ([0xEF, 0xBB, 0xBF] + narrow, .byteOrderMark),
      ([0, 0, 0, 0, 7, 2, 0x0A, 0x08], .binaryWithSchema("Confluent's schema 7")),
      ([1] + [UInt8](repeating: 3, count: 20), .binaryWithSchema("a schema's GUID")),
      ([UInt8](repeating: 0, count: 64), .binary), ([0xAC, 0xED, 0, 5, 0x73], .javaObject),
      ([0x4F, 0x62, 0x6A, 1, 4], .avroFile), ([0x80, 4, 0x95], .pickle),
      ([0x82, 0xA7, 0x75, 0x73, 0x65, 0x72], .messagePack), (narrow + [0], .trailingNUL),
      (narrow + [0, 0x0A, 0], .trailingNUL), ([0x20, 0x0A], .blank),
      ([0x7B, 0x22, 0xE9, 0x22, 0x3A, 0x31, 0x7D], .notUTF8), ([0xC3, 0x28, 0x41], .binary),
    ] as [([UInt8], ForeignForm)])
  func tellsBytesApart(_ bytes: [UInt8], _ form: ForeignForm) {
    #expect(ForeignForm(of: bytes.span.bytes) == form)
  }

  @Test(
    arguments: [
      (#""{\"user_id\":1}""#, ForeignForm.doubleEncoded), ("[\(object)]", .array),
      ("\(object)\n\(object)", .several), ("\(object),", .several), ("\(object)}", .several),
      ("{'user_id': 1}", .singleQuotes), (#"{"rating": NaN}"#, .word("NaN")),
      (#"{"rating": -Infinity}"#, .word("Infinity")), (#"{"rating": None}"#, .word("None")),
      (#"{"name": "NaN", "rating": nan}"#, .word("nan")), ("{user_id: 1}", .bareKey),
      (#"{"user_id": 1,}"#, .trailingComma), (#"{"user_id": 1 /* who */}"#, .comment),
      (#"{"user_id": 1, "rati"#, .truncated), (#"{"user_id": [1"#, .truncated),
      (#"{"user_id": 1, "rating": 4."#, .truncated), (#"{"a": 1, "b": -"#, .truncated),
      (#"{"a": 1 /* see no. 4. */}"#, .comment),
      ("<event/>", .xml), ("user_id=1&movie_id=2", .form), ("eyJ1c2VyX2lkIjoxfQ==", .base64),
      (#""rating""#, .text), ("5.0", .number), ("-1", .number), ("true", .boolean), ("null", .null),
      ("1,2,4.0", .tableRow), ("1\t2", .tableRow), ("1::2::3", .tableRow), ("1;2", .tableRow),
      ("2024-01-15", .plainText), (#"{"a": 04}"#, .malformedNumber("04")),
      (#"{"a": -x}"#, .plainText), (#"{"a": 0x1F}"#, .malformedNumber("0x1F")),
      ("{“user_id”: 1}", .typographic("“")), ("\u{200B}\(object)", .typographic("\u{200B}")),
      ("{\u{A0}\"user_id\": 1}", .typographic("\u{A0}")),
      ("\(object)\u{FEFF}", .typographic("\u{FEFF}")),
      ("\u{1E}\(object)\n", .typographic("\u{1E}")), ("{\"a\"：1}", .typographic("：")),
      ("// who\n\(object)", .comment), ("# who\n\(object)", .comment), ("你好 {", .plainText),
      ("{\"“\": “", .typographic("“")), ("user 7", .plainText), ("", .blank),
      (#"{"a" 1}"#, .plainText),
    ] as [(String, ForeignForm)])
  func tellsTextsApart(_ text: String, _ form: ForeignForm) {
    #expect(ForeignForm(of: Array(text.utf8).span.bytes) == form)
    #expect(!form.sentence.isEmpty)
  }

  @Test func whatCannotBeSeenIsNamedByItsNumber() {
    #expect(ForeignForm.typographic("“").sentence.hasPrefix("has U+201C (“) outside a string"))
    #expect(
      ForeignForm.typographic("\u{1E}").sentence
        == "has the control character U+001E outside a string: leave it out")
    #expect(ForeignForm.typographic("\u{A0}").sentence.hasPrefix("has U+00A0 outside"))
    #expect(ForeignForm.typographic("\u{200B}").sentence.hasPrefix("has U+200B outside"))
  }

  /// Nobody can make a look at a value expensive: words are looked for at the beginning only.
  @Test func looksForWordsAtTheBeginning() {
    let many = String(repeating: "word ", count: 1_000)
    #expect(ForeignForm(of: Array("{\(many)None}".utf8).span.bytes) == .bareKey)
    #expect(ForeignForm(of: Array("{None \(many)}".utf8).span.bytes) == .word("None"))
  }

  /// Text behind a schema's prefix is looked at as text.
  @Test func looksBehindAPrefix() {
    let bytes = [0, 0, 0, 0, 7] + Array("{'user_id': 1}".utf8)
    #expect(ForeignForm(of: bytes.span.bytes) == .singleQuotes)
  }
}

@Suite struct ExcerptTests {
  @Test func cutsAtCharactersAndHidesControls() {
    func excerpt(_ bytes: [UInt8], _ limit: Int) -> String {
      String(excerptOf: bytes.span.bytes, limit: limit)
    }
    #expect(excerpt(Array("short".utf8), 5) == "short")
    #expect(excerpt(Array("longer".utf8), 5) == "longe…")
    #expect(excerpt(Array("éééé".utf8), 2) == "éé…")
    #expect(excerpt(Array("🎬🎬🎬".utf8), 1) == "🎬…")
    #expect(excerpt([0x61, 0x00, 0x0A, 0x7F], 9) == "a\u{FFFD}\u{FFFD}\u{FFFD}")
    #expect(excerpt([0xFF, 0xFE, 0x61], 9) == "\u{FFFD}\u{FFFD}a")
    #expect(excerpt([UInt8](repeating: 0x80, count: 99), 3).hasSuffix("…"))
    #expect(excerpt([], 3) == "")
  }

  @Test func showsBytesThatAreNoText() {
    func excerpt(_ bytes: [UInt8]) -> String { String(excerptOfTextOrBytes: bytes.span.bytes) }
    #expect(excerpt([0, 0, 0, 0, 7, 2, 0xCA]) == "00 00 00 00 07 02 ca")
    #expect(excerpt([UInt8](repeating: 0x1F, count: 21)).hasSuffix("1f 1f …"))
    #expect(excerpt(Array("{'a': 1}".utf8)) == "{'a': 1}")
    #expect(excerpt([]) == "")
  }

  @Test func findsTheNameThatIsMeant() {
    let known = ["user_id", "movie_id", "rating", "timestamp"]
    #expect(nearestName(to: "userId", among: known) == "user_id")
    #expect(nearestName(to: "usr_id", among: known) == "user_id")
    #expect(nearestName(to: "TIME-STAMP", among: known) == "timestamp")
    #expect(nearestName(to: "color", among: known) == nil)
    #expect(nearestName(to: "", among: known) == nil)
    #expect(nearestName(to: "rating", among: []) == nil)
  }
}

@Suite struct NestedParserTests {
  @Test(arguments: [
    "user_ids", "userId2", "user_idx", #"user_id\u0000"#, "user_i", "xuser_id", "user id", "", "_",
  ])
  func otherNamesAreNoSpellings(_ key: String) throws {
    var parser = FlatJSONParser(fields: ["user_id"])
    parser.readLoosely(true)
    try parser.parse(Array(#"{"\#(key)":7}"#.utf8).span.bytes)
    let (kind, others) = (parser.kind(0), parser.hasOtherSpellings)
    #expect(kind == .absent && !others)
  }

  @Test func entersObjectsAndFindsOtherSpellings() throws {
    var parser = FlatJSONParser(fields: ["user_id", "data"])
    let wrapped = #"{"x":1,"data":{"userId":7,"USER-ID":8,"y":{"user_id":1}}}"#
    try parser.parse(Array(wrapped.utf8).span.bytes)
    let outside = parser.strangers()
    #expect(outside.map(\.key) == ["x"] && outside.map(\.kind) == [.integer])
    let hasEntered = parser.enter(1)
    #expect(hasEntered)
    let (kind, inside) = (parser.kind(0), parser.strangers().map(\.key))
    #expect(kind == .absent && inside == ["userId", "USER-ID", "y"])
    let counts = parser.strangers(to: 1).map(\.fieldsInside)
    #expect(counts == [0, 0, 1])
    let (hasEnteredAgain, fields) = (parser.enter(1), parser.strangers().last?.fieldsInside)
    #expect(!hasEnteredAgain && fields == 1)
    parser.readLoosely(true)
    try parser.parse(Array(#"{"userId":7,"USER_ID":8}"#.utf8).span.bytes)
    let (twice, spelled, last) = (
      parser.isDuplicate(0), parser.isSpelledOtherwise(0), parser.integer(0)
    )
    #expect(twice && spelled && last == 8)
    try parser.parse(Array(#"{"userId":7,"user_id":9,"UserID":8}"#.utf8).span.bytes)
    let (own, isOther, isTwice) = (
      parser.integer(0), parser.isSpelledOtherwise(0), parser.isDuplicate(0)
    )
    #expect(own == 9 && !isOther && !isTwice)
  }

  @Test func showsValues() throws {
    var parser = FlatJSONParser(fields: ["a", "b", "c", "d", "e", "f"])
    try parser.parse(
      Array(#"{"a":[1, {"x": "y"}],"b":"text","c":18446744073709551615,"d":1e999,"e":true}"#.utf8)
        .span.bytes)
    let shown = (0..<6).map { parser.excerpt($0) }
    #expect(
      shown == [
        #"[1,{"x":"y"}]"#, "text", "18446744073709551615", "a number out of range", "true",
        nil,
      ])
    let cut = parser.excerpt(0, limit: 4)
    #expect(cut == "[1,{…")
  }
}
