import Foundation

/// The members of a JSON object, read by name and type.
struct JSONFields {
  private let members: [String: Any]

  init(line: Data) throws(EventStreamError) {
    guard let members = (try? JSONSerialization.jsonObject(with: line)) as? [String: Any] else {
      throw .malformed("a line is not a JSON object")
    }
    self.members = members
  }

  private init(_ members: [String: Any]) {
    self.members = members
  }

  func has(_ name: String) -> Bool { members[name] != nil }

  func text(_ name: String) throws(EventStreamError) -> String { try member(name) }

  func optionalText(_ name: String) throws(EventStreamError) -> String? {
    has(name) ? try text(name) : nil
  }

  func flag(_ name: String) throws(EventStreamError) -> Bool { try member(name) }

  func integer<Value: FixedWidthInteger>(_ name: String) throws(EventStreamError) -> Value {
    let number: Int64 = try member(name)
    guard let value = Value(exactly: number) else { throw wrong(name) }
    return value
  }

  func optionalInteger<Value: FixedWidthInteger>(_ name: String) throws(EventStreamError)
    -> Value?
  {
    has(name) ? try integer(name) : nil
  }

  /// One of a closed set of words.
  func value<Value: RawRepresentable<String>>(_ name: String) throws(EventStreamError) -> Value {
    guard let value = Value(rawValue: try text(name)) else { throw wrong(name) }
    return value
  }

  /// Of a number of milliseconds, to the microsecond.
  func duration(_ name: String) throws(EventStreamError) -> Duration {
    let milliseconds: Double = try member(name)
    guard let microseconds = Int64(exactly: (milliseconds * 1000).rounded()) else {
      throw wrong(name)
    }
    return .microseconds(microseconds)
  }

  func object(_ name: String) throws(EventStreamError) -> JSONFields {
    JSONFields(try member(name))
  }

  func objects(_ name: String) throws(EventStreamError) -> [JSONFields] {
    let objects: [[String: Any]] = try member(name)
    return objects.map(JSONFields.init)
  }

  func texts(_ name: String) throws(EventStreamError) -> [String] { try member(name) }

  func integers(_ name: String) throws(EventStreamError) -> [String: Int64] { try member(name) }

  func numbers(_ name: String) throws(EventStreamError) -> [Int64] { try member(name) }

  private func member<Value>(_ name: String) throws(EventStreamError) -> Value {
    guard let value = members[name] as? Value else { throw wrong(name) }
    return value
  }

  private func wrong(_ name: String) -> EventStreamError {
    .malformed("\(name) is \(members[name].map { "\($0)" } ?? "missing")")
  }
}
