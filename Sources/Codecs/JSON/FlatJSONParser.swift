import CSimdjson

/// Which JSON value a field has.
public enum JSONKind: UInt8, Sendable {
  case absent
  case null
  case boolean
  /// An integer within `Int64`.
  case integer
  /// An integer beyond `Int64` but within `UInt64`.
  case unsigned
  case real
  /// A well-formed number that neither 64 bits nor a `Double` can hold, such as 1e999.
  case outOfRange
  case string
  case array
  case object

  init(_ kind: csj_kind) {
    switch kind {
    case .absent: self = .absent
    case .null: self = .null
    case .boolean: self = .boolean
    case .integer: self = .integer
    case .unsigned: self = .unsigned
    case .real: self = .real
    case .out_of_range: self = .outOfRange
    case .string: self = .string
    case .array: self = .array
    case .object: self = .object
    }
  }
}

/// Reads a fixed list of top-level fields from JSON objects, one document after another, without
/// allocating. The whole document is validated, including fields that are not in the list.
///
/// Fields are named by their index in that list. What an accessor returns borrows from the parser,
/// so it can't outlive the document.
// @unchecked: the handle has one owner and no shared parts, so it may move between threads; its
// accessors only read.
@safe public struct FlatJSONParser: ~Copyable, @unchecked Sendable {
  let handle: OpaquePointer?
  private let values: UnsafePointer<csj_value>?
  private let found: UnsafePointer<csj_found>?
  let fieldCount: Int

  /// - Parameter fields: the keys to look for, at most 32.
  public init(fields: [StaticString]) {
    precondition(fields.count <= Int(csj_max_fields))
    let names = unsafe fields.map { name in
      unsafe csj_text(
        bytes: UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self),
        length: name.utf8CodeUnitCount)
    }
    unsafe handle = csj_create(names, names.count)
    unsafe values = handle.map { unsafe csj_values($0) }
    unsafe found = handle.map { unsafe csj_found_fields($0) }
    fieldCount = fields.count
  }

  deinit {
    if let handle = unsafe handle { unsafe csj_destroy(handle) }
  }

  /// Parses a document and finds the fields.
  ///
  /// - Throws: if it is not valid JSON (RFC 8259), not an object at the top level, or nested deeper
  ///   than 1024 levels. All fields are absent then.
  public mutating func parse(_ document: RawSpan) throws(JSONError) {
    guard let handle = unsafe handle else { throw JSONError(code: UInt8(csj_error_out_of_memory)) }
    let code = unsafe document.withUnsafeBytes {
      unsafe csj_parse(handle, $0.baseAddress, $0.count)
    }
    if code != 0 { throw JSONError(code: code) }
  }

  func value(_ field: Int) -> csj_value {
    precondition(field >= 0 && field < fieldCount)
    return unsafe values?[field] ?? csj_value()
  }

  public func kind(_ field: Int) -> JSONKind {
    unsafe JSONKind(value(field).kind)
  }

  /// Whether the key occurs more than once. The value is that of its last occurrence.
  public func isDuplicate(_ field: Int) -> Bool {
    repeatedFields & (1 << UInt32(field)) != 0
  }

  /// The fields that the document has: a bit for each, by its index.
  package var presentFields: UInt32 { unsafe found?.pointee.present ?? 0 }

  /// Those whose key occurs more than once.
  package var repeatedFields: UInt32 { unsafe found?.pointee.repeated ?? 0 }

  /// How many keys the document has that are none of the fields.
  var otherFields: Int { unsafe found?.pointee.others ?? 0 }

  /// The value if it is an integer within `Int64`.
  public func integer(_ field: Int) -> Int64? {
    let value = unsafe value(field)
    return unsafe value.kind == .integer ? value.integer : nil
  }

  /// The value if it is a number that `Double` can hold; integers are rounded to the nearest.
  public func double(_ field: Int) -> Double? {
    let value = unsafe value(field)
    return switch unsafe value.kind {
    case .real: unsafe value.real
    case .integer: unsafe Double(value.integer)
    case .unsigned: unsafe Double(value.unsigned_integer)
    default: nil
    }
  }

  public func boolean(_ field: Int) -> Bool? {
    let value = unsafe value(field)
    return unsafe value.kind == .boolean ? value.boolean : nil
  }

  /// The UTF-8 bytes of the value if it is a string, escapes resolved.
  @_lifetime(borrow self)
  public func text(_ field: Int) -> RawSpan? {
    let value = unsafe value(field)
    guard unsafe value.kind == .string else { return nil }
    let span = unsafe RawSpan(_unsafeStart: value.text.bytes, byteCount: value.text.length)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// A copy of the value if it is a string.
  public func string(_ field: Int) -> String? {
    guard let text = text(field) else { return nil }
    return String(copyingUTF8: text)
  }

  /// Calls `body` with the first `limit` elements of an array, and with their text if they are
  /// strings.
  ///
  /// - Returns: the number of elements, at most `limit` + 1; 0 for any other value.
  public func forEachElement(
    _ field: Int, limit: Int, _ body: (_ kind: JSONKind, _ text: RawSpan?) -> Void
  ) -> Int {
    guard let handle = unsafe handle, kind(field) == .array else { return 0 }
    return unsafe withUnsafeTemporaryAllocation(of: csj_value.self, capacity: limit) { elements in
      guard let start = elements.baseAddress else { return 0 }
      let count = unsafe csj_array_elements(handle, field, start, limit)
      for index in 0..<min(count, limit) {
        let element = unsafe elements[index]
        var text: RawSpan?
        if unsafe element.kind == .string {
          text = unsafe RawSpan(_unsafeStart: element.text.bytes, byteCount: element.text.length)
        }
        unsafe body(JSONKind(element.kind), text)
      }
      return count
    }
  }
}
