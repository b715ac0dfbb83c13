public import Codecs
import Ratings

/// A movie of the catalog: the record of `movies`.
public struct MovieRecord: Hashable, Sendable {
  public var movie: Int64
  public var title: String
  /// Genres separated by bars, as MovieLens writes them: `Comedy|Drama`.
  public let genres: String
  /// The genres as a JSON array, ready to copy into events; empty for "(no genres listed)".
  public let genresJSON: [UInt8]

  public init(movie: Int64, title: String, genres: [String]) {
    self.movie = movie
    self.title = title
    self.genres = genres.joined(separator: "|")
    var writer = JSONWriter()
    writer.beginArray()
    for genre in genres where !genre.isEmpty && genre != GenreDictionary.none.description {
      writer.string(genre)
    }
    writer.endArray()
    genresJSON = writer.copyBytes()
  }

  /// Writes the record of `movies`: `{"movie_id":1,"title":"…","genres":"A|B"}`.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("movie_id")
    writer.integer(movie)
    writer.key("title")
    writer.string(title)
    writer.key("genres")
    writer.string(genres)
    writer.endObject()
  }
}

/// Reads records of `movies`. Genres are an array of strings, or one string separated by bars; one
/// without bars is separated by commas.
public struct MovieRecordParser: ~Copyable, Sendable {
  /// Further genres are dropped: a `GenreSet` has no room for them.
  private static let maximumGenres = 64
  /// A reply repeats up to a hundred records and must fit into a topic.
  private static let maximumBytes = 8192

  private var parser = FlatJSONParser(fields: ["movie_id", "title", "genres"])

  public init() {}

  /// - Parameter value: the record's value, with or without a schema prefix.
  public mutating func parse(_ value: RawSpan) throws(RecordError) -> MovieRecord {
    guard value.byteCount <= Self.maximumBytes else {
      throw RecordError("a movie has more than \(Self.maximumBytes) bytes")
    }
    try parser.parseRecord(WireFormat.payload(of: value))
    let movie = try parser.require("movie_id", parser.integralNumber(0))
    guard movie >= 0 else { throw RecordError(missing: "movie_id") }
    return MovieRecord(
      movie: movie, title: try parser.require("title", parser.string(1)), genres: try genres())
  }

  private func genres() throws(RecordError) -> [String] {
    var genres: [String] = []
    switch parser.kind(2) {
    case .absent, .null:
      break
    case .string:
      if let text = parser.text(2) {
        _ = text.forEachPart(separator: Self.separator(of: text), limit: Self.maximumGenres) {
          let genre = $0.trimmed()
          if genre.byteCount > 0 { genres.append(String(copyingUTF8: genre)) }
        }
      }
    case .array:
      var isText = true
      _ = parser.forEachElement(2, limit: Self.maximumGenres) { _, text in
        if let text { genres.append(String(copyingUTF8: text)) } else { isText = false }
      }
      if !isText { throw RecordError(missing: "genres") }
    default:
      throw RecordError(missing: "genres")
    }
    return genres
  }

  private static func separator(of genres: RawSpan) -> UInt8 {
    for index in 0..<genres.byteCount where genres.byte(at: index) == UInt8(ascii: "|") {
      return UInt8(ascii: "|")
    }
    return UInt8(ascii: ",")
  }
}
