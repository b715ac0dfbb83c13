import Codecs
import TestSupport
import Testing

@Suite struct FlatJSONParserTests {
  @Test func tellsKindsApart() throws {
    var parser = FlatJSONParser(fields: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
    let document = Array(
      #"""
      {"j":{"a":1},"i":[],"h":"x\u0041","g":1e999,"f":1.5,"e":18446744073709551615,
       "d":-9223372036854775808,"c":true,"b":null,"z":0}
      """#.utf8)
    try parser.parse(document.span.bytes)
    let kinds = (0..<10).map { parser.kind($0) }
    #expect(
      kinds == [
        .absent, .null, .boolean, .integer, .unsigned, .real, .outOfRange, .string, .array, .object,
      ])
    let (boolean, integer, wide) = (parser.boolean(2), parser.integer(3), parser.double(4))
    let (real, text) = (parser.double(5), parser.string(7))
    #expect(boolean == true && integer == .min && wide == 18_446_744_073_709_551_616)
    #expect(real == 1.5 && text == "xA")
    let wrong = (parser.integer(5), parser.double(6), parser.string(2), parser.boolean(3))
    #expect(wrong.0 == nil && wrong.1 == nil && wrong.2 == nil && wrong.3 == nil)
  }

  @Test func forgetsTheDocumentBefore() throws {
    var parser = FlatJSONParser(fields: ["a"])
    try parser.parse(Array(#"{"a":1,"a":2}"#.utf8).span.bytes)
    let (first, isDuplicate) = (parser.integer(0), parser.isDuplicate(0))
    #expect(first == 2 && isDuplicate)
    do throws(JSONError) {
      try parser.parse(Array("{".utf8).span.bytes)
      Issue.record("half a document was accepted")
    } catch {
      #expect(!error.message.isEmpty)
    }
    let (kind, isStillDuplicate) = (parser.kind(0), parser.isDuplicate(0))
    #expect(kind == .absent && !isStillDuplicate)
  }

  @Test func handsOutElementsUpToALimit() throws {
    var parser = FlatJSONParser(fields: ["a", "b"])
    try parser.parse(Array(#"{"b":["x"],"a":["one",2,"three","four"]}"#.utf8).span.bytes)
    var texts: [String?] = []
    let count = parser.forEachElement(0, limit: 3) { _, text in
      texts.append(text?.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }
    #expect(count == 4 && texts == ["one", nil, "three"])
    let all = parser.forEachElement(0, limit: 4) { _, _ in }
    let none = parser.forEachElement(0, limit: 0) { _, _ in Issue.record("beyond the limit") }
    #expect(all == 4 && none == 1)
  }

  /// A text that looks like the parser's mark for numbers out of range stays a text.
  @Test func keepsOddTexts() throws {
    var parser = FlatJSONParser(fields: ["a"])
    try parser.parse(Array("{\"a\":\"\u{7F}\u{7F}\u{7F}\"}".utf8).span.bytes)
    let text = parser.string(0)
    #expect(text == "\u{7F}\u{7F}\u{7F}")
  }

  @Test func readsNumbersInsideTextsAsText() throws {
    var parser = FlatJSONParser(fields: ["a", "b"])
    try parser.parse(Array(#"{"b":99999999999999999999999,"a":"\"1e999 \\"}"#.utf8).span.bytes)
    let (text, kind) = (parser.string(0), parser.kind(1))
    #expect(text == #""1e999 \"# && kind == .outOfRange)
  }
}

@Suite struct JSONWriterTests {
  @Test func setsCommasAndEscapes() {
    let text = written { writer in
      writer.beginObject()
      writer.key("a")
      writer.beginArray()
      writer.integer(Int64.min)
      writer.integer(UInt64.max)
      writer.integer(Int32(0))
      writer.beginObject()
      writer.endObject()
      writer.boolean(false)
      writer.endArray()
      writer.key("b")
      writer.string("\"\\\u{0}\u{1F}\n\r\té🎬/\u{7F}")
      writer.key("c")
      writer.null()
      writer.endObject()
    }
    #expect(
      text == #"{"a":[-9223372036854775808,18446744073709551615,0,{},false],"#
        + "\"b\":\"\\\"\\\\\\u0000\\u001f\\n\\r\\té🎬/\u{7F}\",\"c\":null}")
  }

  @Test(arguments: [
    (4.0, "4.0"), (0.1, "0.1"), (-0.0, "-0.0"), (1e22, "1e+22"), (.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (3.5, "3.5"),
    (.infinity, "null"), (.nan, "null"),
  ])
  func writesDoubles(_ value: Double, _ expected: String) {
    #expect(written { $0.double(value) } == expected)
  }

  @Test func everyDoubleReadsBackAsItWas() throws {
    var generator = SeededGenerator(seed: 3)
    var parser = FlatJSONParser(fields: ["x"])
    var writer = JSONWriter()
    for _ in 0..<20_000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      writer.removeAll()
      writer.beginObject()
      writer.key("x")
      writer.double(value)
      writer.endObject()
      try parser.parse(writer.bytes)
      let read = parser.double(0)
      #expect(read?.bitPattern == value.bitPattern)
    }
  }

  @Test func everyTextReadsBackAsItWas() throws {
    var generator = SeededGenerator(seed: 4)
    var parser = FlatJSONParser(fields: ["x"])
    var writer = JSONWriter(capacity: 0)
    for round in 0..<2000 {
      var text = ""
      for _ in 0..<(round % 300) {
        let isPlain = Bool.random(using: &generator)
        let scalar = UInt32.random(in: 0...(isPlain ? 0x7F : 0x10FFFF), using: &generator)
        text.unicodeScalars.append(Unicode.Scalar(scalar) ?? "?")
      }
      writer.removeAll()
      writer.beginObject()
      writer.key("x")
      writer.string(text)
      writer.endObject()
      try parser.parse(writer.bytes)
      let read = parser.string(0)
      #expect(read.map { Array($0.utf8) } == Array(text.utf8))
    }
  }

  @Test func integersReadBackAtEveryLength() {
    var value: UInt64 = 1
    while true {
      #expect(written { $0.integer(value) } == String(value))
      #expect(written { $0.integer(value - 1) } == String(value - 1))
      let (next, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { break }
      value = next
    }
  }
}
