import Codecs
package import Recommender

/// Reads a file of movies as records of `movies`, and judges each as the catalog's reader will.
package struct MovieReader: ~Copyable {
  let format: TableFormat<MovieColumns>
  private var table: TableReader
  private var writer: JSONWriter
  private var parser: MovieRecordParser
  /// Rows read.
  package private(set) var rows = 0

  package init(_ file: DataFile) throws(DataFileError) {
    let source = try TextSource(file)
    let format = try TableHead(source).movies()
    var table = TableReader(source, format.dialect)
    for _ in 0..<format.leading { _ = try table.advance() }
    self.format = format
    self.table = table
    writer = JSONWriter()
    parser = MovieRecordParser()
  }

  package var file: DataFile { table.source.file }
  /// How much of the file has been read, 0...1.
  package var fraction: Double { table.source.fraction }
  /// The newest row's line, from 1.
  package var line: Int { table.line }
  var hasLatin1: Bool { table.hasLatin1 }
  var encoding: TextEncoding { table.source.encoding }

  /// The newest row as a record's value.
  package var record: RawSpan {
    @_lifetime(borrow self)
    get { writer.bytes }
  }

  /// The next row, `nil` at the end.
  package mutating func next() throws(DataFileError) -> JudgedRow<MovieRecord>? {
    guard try table.advance() else { return nil }
    rows += 1
    if let fault = table.fault { return malformed(fault) }
    guard table.count == format.width else {
      let advice = table.count > format.width ? "; a title with a separator needs quotes" : ""
      return malformed("it has \(table.count) fields, not \(format.width)\(advice)")
    }
    guard let id = FieldNumber.whole(table.bytes(format.columns.id)) else {
      return malformed("movie_id is '\(table.text(format.columns.id))', not a whole number")
    }
    let movie = MovieRecord(
      movie: id, title: table.text(format.columns.title), genres: genres())
    writer.removeAll()
    movie.write(to: &writer)
    do throws(RecordError) {
      return .valid(try Self.parse(writer, &parser))
    } catch {
      return .invalid(RowFault(rules: [RowFault.movie], message: error.message))
    }
  }

  /// Reads what has been written, by the code of the catalog's reader.
  private static func parse(
    _ writer: borrowing JSONWriter, _ parser: inout MovieRecordParser
  ) throws(RecordError) -> MovieRecord {
    try parser.parse(writer.bytes)
  }

  private func malformed(_ message: String) -> JudgedRow<MovieRecord> {
    .invalid(RowFault(rules: [RowFault.malformed], message: message))
  }

  private mutating func genres() -> [String] {
    if let column = format.columns.genres { return Self.genres(of: table.text(column)) }
    let set = format.columns.flags.filter { flag in
      let text = table.text(flag.column)
      return text == "1" || text == "1.0" || text.lowercased() == "true"
    }.map(\.genre)
    return set == [ColumnName.flags[0]] ? ["(no genres listed)"] : set
  }

  /// The genres of a text such as `A|B`, `A; B`, `A, B` or, as Python prints a list, `['A', 'B']`.
  static func genres(of text: String) -> [String] {
    var text = Substring(text)
    let isList = text.hasPrefix("[") && text.hasSuffix("]")
    if isList { text = text.dropFirst().dropLast() }
    let separator: Character = "|;".first { text.contains($0) } ?? ","
    return text.split(separator: separator).map { part in
      var part = part.drop(while: \.isWhitespace)
      while part.last?.isWhitespace == true { part.removeLast() }
      if isList, let quote = part.first, "'\"".contains(quote), part.last == quote, part.count > 1 {
        part = part.dropFirst().dropLast()
      }
      return String(part)
    }.filter { !$0.isEmpty }
  }
}
