import Codecs
import Pipeline
package import Ratings
package import Streams

/// Prints entries of a table, one a line.
package struct EntryOutput: ~Copyable {
  private let place: StorePlace
  private let table: TableDeclaration
  private let genres: GenreDictionary
  private var writer = JSONWriter()

  package init(_ place: StorePlace, _ table: TableDeclaration, genres: GenreDictionary) {
    self.place = place
    self.table = table
    self.genres = genres
  }

  /// A value as JSON.
  package mutating func value(_ value: RawSpan) -> String {
    writer.removeAll()
    table.write(value, genres: genres, to: &writer)
    return String(decoding: writer.copyBytes(), as: UTF8.self)
  }

  /// `{"key":…,"partition":…,"stage":…,"table":…,"value":…}`
  package mutating func json(_ key: RawSpan, _ value: RawSpan) -> String {
    writer.removeAll()
    writer.beginObject()
    writer.key("stage")
    writer.string(place.stage)
    writer.key("partition")
    writer.integer(place.partition)
    writer.key("table")
    writer.string(table.name)
    writer.key("key")
    writer.string(table.text(ofKey: key))
    writer.key("value")
    table.write(value, genres: genres, to: &writer)
    writer.endObject()
    return String(decoding: writer.copyBytes(), as: UTF8.self)
  }
}
