import Codecs
public import Ratings

/// Events and movies as the JSON text that users produce, appended to a buffer that is kept: no
/// allocation once it has grown.
public enum EventText {
  /// Appends `{"user_id":100,"movie_id":1234,"rating":5.0,"timestamp":1700000000}`.
  ///
  /// - Parameters:
  ///   - rating: `nil` writes null, which takes the rating back.
  ///   - timeMilliseconds: event time since 1970, not negative. Whole seconds are written as an
  ///     integer, others with three decimals.
  public static func appendRating(
    user: Int64, movie: Int64, rating: HalfStars?, timeMilliseconds: Int64,
    to bytes: inout [UInt8]
  ) {
    bytes.append(#"{"user_id":"#)
    bytes.append(decimal: user)
    bytes.append(#","movie_id":"#)
    bytes.append(decimal: movie)
    bytes.append(#","rating":"#)
    bytes.append(stars: rating)
    bytes.append(#","timestamp":"#)
    bytes.append(decimal: timeMilliseconds / 1000)
    let fraction = timeMilliseconds % 1000
    if fraction != 0 {
      bytes.append(".")
      bytes.append(digit: fraction / 100)
      bytes.append(digit: fraction / 10 % 10)
      bytes.append(digit: fraction % 10)
    }
    bytes.append("}")
  }

  /// Appends `{"movie_id":1,"title":"…","genres":"A|B"}`.
  public static func appendMovie(
    _ movie: Int64, title: String, genres: String, to bytes: inout [UInt8]
  ) {
    var writer = JSONWriter(capacity: 256)
    writer.beginObject()
    writer.key("movie_id")
    writer.integer(movie)
    writer.key("title")
    writer.string(title)
    writer.key("genres")
    writer.string(genres)
    writer.endObject()
    bytes.append(contentsOf: writer.copyBytes())
  }

  /// Appends an identifier as decimal text: a record's key.
  public static func appendKey(_ identifier: Int64, to bytes: inout [UInt8]) {
    bytes.append(decimal: identifier)
  }
}

extension [UInt8] {
  mutating func append(_ text: StaticString) {
    append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(decimal number: Int64) {
    if number < 0 { append("-") }
    let start = count
    var rest = number.magnitude
    repeat {
      append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    self[start...].reverse()
  }

  fileprivate mutating func append(digit: Int64) {
    append(0x30 + UInt8(truncatingIfNeeded: digit))
  }

  mutating func append(stars rating: HalfStars?) {
    guard let halfStars = rating?.rawValue else { return append("null") }
    append(0x30 + halfStars / 2)
    append(halfStars % 2 == 0 ? ".0" : ".5")
  }
}
