import CSimdjson

/// A key of an object that is not one of a parser's fields.
package struct JSONStranger: Hashable, Sendable {
  package var key: String
  package var kind: JSONKind
  /// How many fields, in any spelling, are keys of what it holds: an object, the first object of an
  /// array, or an object as text.
  package var fieldsInside: Int
}

/// What documents need that are not flat, or not as they should be.
extension FlatJSONParser {
  /// Whether keys are taken for a field that differ from it only in the case of letters and in `_`
  /// and `-`, unless the object has the field itself.
  package mutating func readLoosely(_ isLoose: Bool) {
    if let handle = unsafe handle { unsafe csj_read_loosely(handle, isLoose) }
  }

  /// Whether the field's key is spelled otherwise; only where it is read loosely.
  package func isSpelledOtherwise(_ field: Int) -> Bool {
    unsafe value(field).is_loose
  }

  /// Whether the object has a key that would be taken for a field if it were read loosely. Asks
  /// nothing of an object that has only fields.
  package var hasOtherSpellings: Bool {
    guard let handle = unsafe handle, otherFields > 0 else { return false }
    return unsafe csj_has_other_spellings(handle)
  }

  /// Finds the fields in the object that is the value of a field. What was found before is gone.
  ///
  /// - Returns: false, and nothing changes, for a value that is no object.
  package mutating func enter(_ field: Int) -> Bool {
    guard let handle = unsafe handle else { return false }
    return unsafe csj_enter(handle, field)
  }

  /// The first keys that are not fields.
  ///
  /// - Parameter own: how many of the fields count as such, from the first one on; `nil` for all.
  package func strangers(to own: Int? = nil, limit: Int = 64) -> [JSONStranger] {
    guard let handle = unsafe handle else { return [] }
    return unsafe withUnsafeTemporaryAllocation(of: csj_member.self, capacity: limit) { members in
      guard let start = members.baseAddress else { return [] }
      let count = unsafe csj_strangers(handle, own ?? fieldCount, start, limit)
      return unsafe members[..<count].map { member in
        let key = unsafe RawSpan(_unsafeStart: member.key.bytes, byteCount: member.key.length)
        return unsafe JSONStranger(
          key: String(excerptOf: key), kind: JSONKind(member.kind),
          fieldsInside: member.fields_inside)
      }
    }
  }

  /// A field's value as a person may read it, cut; `nil` for an absent one.
  package func excerpt(_ field: Int, limit: Int = 64) -> String? {
    switch kind(field) {
    case .absent: return nil
    case .null: return "null"
    case .boolean: return boolean(field) == true ? "true" : "false"
    case .integer: return integer(field).map(String.init)
    case .unsigned: return unsafe String(value(field).unsigned_integer)
    case .real: return double(field).map { "\($0)" }
    case .outOfRange: return "a number out of range"
    case .string:
      guard let text = text(field) else { return nil }
      return String(excerptOf: text, limit: limit)
    case .array, .object: return json(field, limit: limit)
    }
  }

  private func json(_ field: Int, limit: Int) -> String? {
    guard let handle = unsafe handle else { return nil }
    let capacity = limit * 4 + 4
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      let length = unsafe csj_copy_json(handle, field, start, capacity)
      return unsafe String(
        excerptOf: RawSpan(_unsafeStart: start, byteCount: length), limit: limit)
    }
  }
}
