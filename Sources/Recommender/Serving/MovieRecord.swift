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
/// without bars is separated by semicolons, and one without either by commas. Names of fields may
/// be in other spellings (`movieId`), and an id may be text.
public struct MovieRecordParser: ~Copyable, Sendable {
  /// Further genres are dropped: a `GenreSet` has no room for them.
  private static let maximumGenres = 64
  /// A reply repeats up to a hundred records and must fit into a topic.
  private static let maximumBytes = 8192

  private static let fields: [StaticString] = ["movie_id", "title", "genres"]
  private var parser = FlatJSONParser(fields: fields)

  public init() { parser.readLoosely(true) }

  /// - Parameter value: the record's value, with or without a schema prefix.
  public mutating func parse(_ value: RawSpan) throws(RecordError) -> MovieRecord {
    guard value.byteCount <= Self.maximumBytes else {
      throw RecordError("a movie has more than \(Self.maximumBytes) bytes")
    }
    var payload = WireFormat.payload(of: value)
    if payload.begins(with: byteOrderMark) {
      payload = payload.extracting(byteOrderMark.count...)
    }
    do throws(JSONError) { try parser.parse(payload) } catch {
      throw RecordError("the value \(error.sentence(on: value))")
    }
    guard let movie = identifier(), movie >= 0 else { throw fault(0, "a whole number from 0 on") }
    guard let title = parser.string(1) else { throw fault(1, "text") }
    return MovieRecord(movie: movie, title: title, genres: try genres())
  }

  private func identifier() -> Int64? {
    guard let text = parser.text(0) else { return parser.integralNumber(0) }
    guard case .integer(let movie) = JSONNumber(text: text) else { return nil }
    return movie
  }

  /// What is wrong with a field.
  private func fault(_ field: Int, _ expected: String) -> RecordError {
    let name = Self.fields[field].description
    if parser.kind(field) != .absent {
      let value = parser.excerpt(field, limit: 24) ?? ""
      return RecordError("its \(name) is \(value): expected \(expected)")
    }
    let strangers = parser.strangers(limit: 16)
    if let wrapper = strangers.first(where: { $0.fieldsInside > 1 }) {
      return RecordError("it has no \(name): the movie is wrapped in `\(wrapper.key)`")
    }
    let meant = strangers.first { nearestName(to: $0.key, among: [name]) != nil }
    return RecordError(
      "it has no \(name)" + (meant.map { ", but there is \($0.key): name it \(name)" } ?? ""))
  }

  private static let genresExpected = "an array of texts, or one text with bars between the names"

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
      if !isText { throw fault(2, Self.genresExpected) }
    default:
      throw fault(2, Self.genresExpected)
    }
    return genres
  }

  private static func separator(of genres: RawSpan) -> UInt8 {
    for separator in [UInt8(ascii: "|"), UInt8(ascii: ";")] {
      for index in 0..<genres.byteCount where genres.byte(at: index) == separator {
        return separator
      }
    }
    return UInt8(ascii: ",")
  }
}
