import Codecs

/// How a file's rows are to be read.
struct TableFormat<Columns> {
  var dialect: Dialect
  var columns: Columns
  /// The header's names; `nil` without a header.
  var header: [String]?
  /// The fields a row has.
  var width: Int
  /// Records before the first row, the header included.
  var leading: Int
}

/// Where a rating's parts are.
struct RatingColumns: Hashable {
  var user = 0
  var movie = 1
  var rating = 2
  var time = 3

  /// The numbers of `ColumnName.ratings`.
  subscript(part: Int) -> Int { [user, movie, rating, time][part] }
}

/// Where a movie's parts are.
struct MovieColumns: Hashable {
  var id = 0
  var title = 1
  var genres: Int? = 2
  /// A column for each genre, 1 if the movie has it.
  var flags: [Flag] = []

  struct Flag: Hashable {
    var column: Int
    var genre: String
  }
}

extension MovieColumns {
  /// MovieLens 100K's u.item: id, title, two dates, an address, and a flag a genre.
  static let item = MovieColumns(
    genres: nil,
    flags: ColumnName.flags.enumerated().map { Flag(column: $0.offset + 5, genre: $0.element) })
  static let itemWidth = 24

  /// - Returns: `nil` for the header of something else.
  init?(header: [String]) {
    guard case .found(let found) = ColumnMatch(ColumnName.movies, in: header) else { return nil }
    self.init(id: found[0], title: found[1], genres: nil)
    if case .found(let found) = ColumnMatch([ColumnName.genres], in: header) {
      genres = found[0]
      return
    }
    let plain = header.map(ColumnName.plain)
    flags = ColumnName.flags.compactMap { genre in
      plain.firstIndex(of: ColumnName.plain(genre)).map { Flag(column: $0, genre: genre) }
    }
  }
}

/// What a file is by its beginning.
enum RatingFormat {
  /// An event a line.
  case jsonLines
  case table(TableFormat<RatingColumns>)
}

/// The beginning of a file: its first records under each dialect that could be meant.
struct TableHead {
  private let file: DataFile
  private let bytes: [UInt8]
  private let isWhole: Bool
  private let lineEnd: UInt8
  /// Lines before the table.
  private let leading: Int
  private let start: Int

  init(_ source: TextSource) throws(DataFileError) {
    file = source.file
    bytes = source.head
    isWhole = source.isWhole
    guard bytes.contains(where: { !$0.isASCIISpace }) else { throw file.error("it is empty") }
    switch FileKind(head: bytes) {
    case .plain: break
    case .foreign(let what): throw file.error(what)
    case .archive, .compressed:
      throw file.error("it is packed a second time: unpack it and pass the directory")
    }
    if bytes.contains(0) {
      throw file.error("it is not text: ratings are read from CSV, MovieLens files and archives")
    }
    lineEnd = bytes.contains(0x0A) || !bytes.contains(0x0D) ? 0x0A : 0x0D
    // Excel's note to itself: sep=;
    let hasNote = bytes.starts(with: "sep=".utf8)
    leading = hasNote ? 1 : 0
    start = hasNote ? (bytes.firstIndex(of: lineEnd) ?? bytes.count - 1) + 1 : 0
  }

  private var lines: [String] {
    bytes.split(separator: lineEnd, maxSplits: 8).prefix(8).map { line in
      let text = Array(line.last == 0x0D ? line.dropLast() : line)
      return String(validating: text, as: UTF8.self) ?? Latin1.text(text)
    }
  }

  /// The first record's fields; `nil` if it is malformed under this dialect.
  private func firstRecord(_ dialect: Dialect) -> [String]? {
    var scanner = RecordScanner(dialect)
    var position = start
    let span = bytes.span.bytes
    while position < bytes.count, bytes[position] == 0x0A || bytes[position] == 0x0D {
      position += 1
    }
    guard case .record = scanner.scan(span, from: position, isAtEnd: isWhole) else { return nil }
    return (0..<scanner.count).map { field in
      let content = scanner.content(field, of: span)
      return String(validating: content, as: UTF8.self) ?? Latin1.text(content)
    }
  }

  private var dialects: [(dialect: Dialect, record: [String])] {
    Dialect.Separator.allCases.filter { $0 != .none }.compactMap { separator in
      let dialect = Dialect(separator: separator, lineEnd: lineEnd)
      return firstRecord(dialect).map { (dialect, $0) }
    }
  }

  private static func isNumber(_ text: String) -> Bool {
    !text.isEmpty && FieldNumber.decimal(Array(text.utf8).span.bytes) != nil
  }

  // MARK: Ratings

  func ratings() throws(DataFileError) -> RatingFormat {
    if let foreign = ForeignTable.describe(lines) { throw file.error(foreign) }
    if bytes.first(where: { !$0.isASCIISpace }) == UInt8(ascii: "{") { return .jsonLines }
    let dialects = dialects
    for (dialect, record) in dialects {
      if record.count == 4, record.prefix(3).allSatisfy(Self.isNumber) {
        return .table(
          TableFormat(
            dialect: dialect, columns: RatingColumns(), header: nil, width: 4, leading: leading))
      }
      if case .found(let found) = ColumnMatch(ColumnName.ratings, in: record) {
        let columns = RatingColumns(
          user: found[0], movie: found[1], rating: found[2], time: found[3])
        return .table(
          TableFormat(
            dialect: dialect, columns: columns, header: record, width: record.count,
            leading: leading + 1))
      }
    }
    throw file.error(refusal(dialects))
  }

  /// Why it is no file of ratings.
  private func refusal(_ dialects: [(dialect: Dialect, record: [String])]) -> String {
    guard let (_, record) = dialects.max(by: { $0.record.count < $1.record.count }) else {
      return "its first line is not a row of a table: \(RecordScanner.unclosed)"
    }
    let names = record.prefix(12).joined(separator: ", ")
    if (try? movies()) != nil {
      return "it is a file of movies: pass the directory that has its ratings too"
    }
    if record.prefix(3).allSatisfy(Self.isNumber) {
      let advice = "put a line with their names first: userId,movieId,rating,timestamp"
      return record.count == 3
        ? "it has three columns without names, and ratings without their time can't be loaded: add"
          + " a timestamp, and \(advice)"
        : "it has \(record.count) columns without names: \(advice)"
    }
    switch ColumnMatch(ColumnName.ratings, in: record) {
    case .ambiguous(let name, let candidates):
      return "several columns could be \(name): \(candidates.joined(separator: ", ")); rename all"
        + " but one"
    case .missing(let missing) where missing.count < ColumnName.ratings.count:
      return
        "the header has no column \(missing.joined(separator: ", ")); its columns are \(names):"
        + " rename the one that is meant, or add it"
    default:
      return
        "it is not a table of ratings: columns userId, movieId, rating and timestamp are needed,"
        + " and the first line is \(names)"
    }
  }

  // MARK: Movies

  func movies() throws(DataFileError) -> TableFormat<MovieColumns> {
    for (dialect, record) in dialects {
      let isPlain = record.first.map(Self.isNumber) == true
      if isPlain, record.count == MovieColumns.itemWidth,
        record.suffix(ColumnName.flags.count).allSatisfy({ $0 == "0" || $0 == "1" })
      {
        return TableFormat(
          dialect: dialect, columns: .item, header: nil, width: record.count, leading: leading)
      }
      if isPlain, record.count == 3, !Self.isNumber(record[2]) {
        return TableFormat(
          dialect: dialect, columns: MovieColumns(), header: nil, width: 3, leading: leading)
      }
      if let columns = MovieColumns(header: record) {
        return TableFormat(
          dialect: dialect, columns: columns, header: record, width: record.count,
          leading: leading + 1)
      }
    }
    let first = dialects.max { $0.record.count < $1.record.count }?.record ?? []
    throw file.error(
      "it is not a table of movies: columns movieId, title and genres are needed, and the first"
        + " line is \(first.prefix(12).joined(separator: ", "))")
  }
}
