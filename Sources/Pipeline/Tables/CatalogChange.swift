import Codecs
import Recommender

/// What a record of `movies` does to the catalog.
///
/// People write these records by hand: quotes around a key and the text `null` as a value are taken
/// as they are meant.
enum CatalogChange {
  case put(MovieRecord)
  case remove(Int64)
  /// It does nothing, for this reason.
  case skip(String)

  init(key: RawSpan?, value: RawSpan?, _ parser: inout MovieRecordParser) {
    guard let key else {
      self = .skip("it has no key: produce it under the movie's id")
      return
    }
    guard let movie = Self.identifier(key) else {
      self = .skip("its key is not a movie's id, a whole number as text")
      return
    }
    guard let value else {
      self = .remove(movie)
      return
    }
    let text = value.trimmed()
    if text.equals("null" as StaticString) {
      self = .remove(movie)
      return
    }
    if text.byteCount == 0 {
      self = .skip("its value is empty: to remove a movie, produce null (kcat -Z)")
      return
    }
    do throws(RecordError) {
      let record = try parser.parse(value)
      self =
        record.movie == movie
        ? .put(record)
        : .skip("its key is \(movie), but its movie_id is \(record.movie)")
    } catch {
      self = .skip(error.message)
    }
  }

  /// A key as text, also with blanks or quotes around it.
  private static func identifier(_ key: RawSpan) -> Int64? {
    if let movie = DecimalText.parse(key) { return movie }
    let text = key.trimmed()
    let isQuoted =
      text.byteCount > 2 && text.byte(at: 0) == UInt8(ascii: "\"")
      && text.byte(at: text.byteCount - 1) == UInt8(ascii: "\"")
    return DecimalText.parse(isQuoted ? text.extracting(1..<text.byteCount - 1) : text)
  }
}
