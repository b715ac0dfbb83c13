import Codecs

/// Numbers of an object that has all of them or none.
struct NumberFields: ~Copyable {
  private let names: [StaticString]
  private var parser: FlatJSONParser

  /// - Returns: `nil` if the object lacks the first.
  init?(_ names: [StaticString], of value: RawSpan) throws(RecordError) {
    self.names = names
    parser = FlatJSONParser(fields: names)
    try parser.parseRecord(value)
    if parser.kind(0) == .absent { return nil }
  }

  func number(_ field: Int) throws(RecordError) -> Double {
    try parser.require(names[field], parser.double(field))
  }

  func count(_ field: Int) throws(RecordError) -> Int { try parser.count(field, names[field]) }
}

extension FlatJSONParser {
  /// An integer of 0 or more.
  func count(_ field: Int, _ name: StaticString) throws(RecordError) -> Int {
    let number = try require(name, integer(field))
    guard number >= 0 else { throw RecordError(missing: name) }
    return Int(number)
  }
}
