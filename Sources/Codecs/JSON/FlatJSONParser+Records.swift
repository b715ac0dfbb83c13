extension FlatJSONParser {
  /// Parses a record of our own.
  package mutating func parseRecord(_ value: RawSpan) throws(RecordError) {
    do throws(JSONError) {
      try parse(value)
    } catch {
      throw RecordError(error.message)
    }
  }

  /// The value, or an error that names the field.
  @inlinable
  package func require<Value>(_ name: StaticString, _ value: Value?) throws(RecordError) -> Value {
    guard let value else { throw RecordError(missing: name) }
    return value
  }
}
