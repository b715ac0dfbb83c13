/// What a value that should be a JSON object is instead, as far as its bytes show it.
package enum ForeignForm: Hashable, Sendable {
  case blank
  case gzip, zstd, lz4, snappy, zlib, bzip2, xz, zip
  case utf16, utf32
  case byteOrderMark
  case javaObject, pickle, avroFile, messagePack
  /// Behind the prefix of a schema registry's serializer.
  case binaryWithSchema(String)
  /// Behind AWS Glue's prefix, which says so.
  case compressedWithSchema
  case trailingNUL
  case doubleEncoded, base64
  case array, text, number, boolean, null
  case several
  case singleQuotes, bareKey, comment, trailingComma
  /// A token that begins like a number and is none of JSON's, such as 04, +4 or 4.5f.
  case malformedNumber(String)
  /// A character of word processors, chats and web pages outside of texts.
  case typographic(Unicode.Scalar)
  /// Deeper than the parser follows.
  case tooDeep
  /// Fields with commas, tabs or the like between them.
  case tableRow
  /// NaN, Infinity, None and others that are no JSON.
  case word(String)
  case truncated
  case xml, form
  case notUTF8
  case binary
  case plainText

  /// What it is and what to do, to follow "the value ".
  package var sentence: String {
    switch self {
    case .blank: "is only white space"
    case .gzip, .zstd, .lz4, .snappy, .zlib, .bzip2, .xz, .zip: compressionSentence
    case .utf16: "is UTF-16 text: write UTF-8"
    case .utf32: "is UTF-32 text: write UTF-8"
    case .byteOrderMark: "begins with a byte order mark: write UTF-8 without one"
    case .javaObject: "is a serialized Java object: use a JSON serializer"
    case .pickle: "is a Python pickle: write JSON"
    case .avroFile: "is an Avro file: write JSON"
    case .messagePack: "looks like MessagePack: write JSON"
    case .binaryWithSchema(let schema):
      "is binary behind the prefix of \(schema), as Avro and Protobuf serializers write it: use a"
        + " JSON serializer"
    case .compressedWithSchema:
      "is compressed behind the prefix of AWS Glue's schema registry: turn its compression off, and"
        + " set the producer's compression.type"
    case .trailingNUL: "ends with a NUL byte: leave it out"
    case .doubleEncoded: "is JSON inside a JSON string (encoded twice): encode it once"
    case .base64: "looks like JSON in Base64: send the JSON itself"
    case .array: "is an array: send one object a record"
    case .text: "is a JSON string, not an object"
    case .number: "is a number, not an object"
    case .boolean: "is true or false, not an object"
    case .null: "is the word null, not a null value: a tombstone has no value at all"
    case .several: "has something after its first object: send one object a record"
    case .singleQuotes: "has single quotes, as Python's str() of a dict: use json.dumps"
    case .bareKey: "has names without double quotes: write JSON"
    case .comment: "has a comment, which JSON doesn't know"
    case .trailingComma: "has a comma before a closing bracket, which JSON doesn't allow"
    case .malformedNumber(let token):
      "has \(token), which is no number in JSON: it takes no leading zeros, plus signs or letters,"
        + " and a point only between digits; put text in quotes"
    case .typographic(let scalar) where scalar.value < 0x20:
      "has the control character \(Self.shown(scalar)) outside a string: leave it out"
    case .typographic(let scalar):
      "has \(Self.shown(scalar)) outside a string, as word processors and chats write it: type"
        + " plain quotes, blanks and commas"
    case .tooDeep: "is nested deeper than \(JSONError.deepest) levels"
    case .tableRow: "is a row of a table: send JSON, or load the file with `projectionist load`"
    case .word(let word): "has \(word), which JSON doesn't know: write null or a number"
    case .truncated: "ends in the middle of the JSON: it was cut off"
    case .xml: "is XML: write JSON"
    case .form: "is the data of a web form: write JSON"
    case .notUTF8: "has bytes that are not UTF-8: encode it as UTF-8"
    case .binary: "is binary, not JSON text"
    case .plainText: "is text, but not JSON"
    }
  }

  /// Such as `U+201C (“)`; many can't be seen.
  private static func shown(_ scalar: Unicode.Scalar) -> String {
    let number = String(scalar.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - number.count)) + number
    return scalar.properties.isWhitespace || scalar.properties.isDefaultIgnorableCodePoint
      || scalar.value < 0x20 ? code : "\(code) (\(scalar))"
  }

  private var compressionSentence: String {
    let name =
      switch self {
      case .gzip: "gzip"
      case .zstd: "zstd"
      case .lz4: "lz4"
      case .snappy: "snappy"
      case .zlib: "zlib"
      case .bzip2: "bzip2"
      case .xz: "xz"
      default: "zip"
      }
    return "is compressed (\(name)): send it as it is, and set the producer's compression.type"
  }

  /// Of a value that a JSON parser has refused, or that is not an object.
  package init(of value: RawSpan) {
    self = Self.byMagic(value) ?? Self.behindPrefix(value) ?? Self.ofText(value)
  }

  private static let magic: [(bytes: [UInt8], form: ForeignForm)] = [
    ([0x1F, 0x8B], .gzip), ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
    ([0x04, 0x22, 0x4D, 0x18], .lz4), ([0x02, 0x21, 0x4C, 0x18], .lz4),
    ([0xFF, 0x06, 0x00, 0x00, 0x73, 0x4E, 0x61, 0x50], .snappy),
    ([0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59], .snappy),
    ([0x42, 0x5A, 0x68, 0x31], .bzip2), ([0x42, 0x5A, 0x68, 0x39], .bzip2),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .xz), ([0x50, 0x4B, 0x03, 0x04], .zip),
    ([0x78, 0x01], .zlib), ([0x78, 0x5E], .zlib), ([0x78, 0x9C], .zlib), ([0x78, 0xDA], .zlib),
    ([0xFF, 0xFE, 0x00, 0x00], .utf32), ([0x00, 0x00, 0xFE, 0xFF], .utf32),
    ([0xFF, 0xFE], .utf16), ([0xFE, 0xFF], .utf16), (Codecs.byteOrderMark, .byteOrderMark),
    ([0xAC, 0xED, 0x00, 0x05], .javaObject), ([0x4F, 0x62, 0x6A, 0x01], .avroFile),
    ([0x80, 0x02], .pickle), ([0x80, 0x03], .pickle), ([0x80, 0x04], .pickle),
    ([0x80, 0x05], .pickle),
  ]

  private static func byMagic(_ value: RawSpan) -> ForeignForm? {
    if let known = magic.first(where: { value.begins(with: $0.bytes) }) { return known.form }
    return wideText(value)
  }

  /// UTF-16 or UTF-32 without a mark: a bracket and zeros, in either order.
  private static func wideText(_ value: RawSpan) -> ForeignForm? {
    guard value.byteCount >= 4 else { return nil }
    let brackets: [UInt8] = [0x7B, 0x5B, 0x22]
    let first = (value.byte(at: 0), value.byte(at: 1), value.byte(at: 2), value.byte(at: 3))
    if first.1 == 0, brackets.contains(first.0) {
      return first.2 == 0 && first.3 == 0 ? .utf32 : .utf16
    }
    if first.0 == 0, brackets.contains(first.1), first.2 == 0 { return .utf16 }
    return first.0 == 0 && first.1 == 0 && first.2 == 0 && brackets.contains(first.3) ? .utf32 : nil
  }

  private static func behindPrefix(_ value: RawSpan) -> ForeignForm? {
    guard value.byteCount > 0 else { return nil }
    let payload = WireFormat.payload(of: value)
    if payload.byteCount < value.byteCount, payload.byteCount > 0,
      [0x7B, 0x5B, 0x22].contains(payload.byte(at: 0))
    {
      return ofText(payload)
    }
    switch value.byte(at: 0) {
    case 0x00 where value.byteCount > 5:
      let number = (1...4).reduce(UInt32(0)) { $0 << 8 | UInt32(value.byte(at: $1)) }
      guard number != 0 else { return .binary }
      return .binaryWithSchema("Confluent's schema \(number)")
    case 0x01 where value.byteCount > 17: return .binaryWithSchema("a schema's GUID")
    case 0x03 where value.byteCount > 18 && value.byte(at: 1) == 5: return .compressedWithSchema
    case 0x03 where value.byteCount > 18 && value.byte(at: 1) == 0:
      return .binaryWithSchema("AWS Glue's schema registry")
    // A map of up to 15 entries, whose first key is a short text.
    case 0x81...0x8F where value.byteCount > 2 && 0xA1...0xBF ~= value.byte(at: 1):
      return .messagePack
    default: return nil
    }
  }

  private static func ofText(_ value: RawSpan) -> ForeignForm {
    var outline = JSONOutline()
    outline.scan(value)
    return outline.form(of: value)
  }
}
