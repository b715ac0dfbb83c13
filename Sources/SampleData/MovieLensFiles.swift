import Pipeline
import Glibc
public import Ratings

/// The files of a MovieLens download, or of anything laid out like one.
///
/// Understood are `ratings.csv` with `movies.csv` (MovieLens since 2014), `ratings.dat` with
/// `movies.dat` (MovieLens 1M and 10M), and a ratings file of either form alone.
public struct MovieLensFiles: Sendable {
  public let ratings: String
  /// `nil` when only a ratings file is given.
  public let movies: String?

  /// - Parameter path: a directory, or a ratings file.
  public init(path: String) throws(DataFileError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DataFileError(path: path, message: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      ratings = path
      movies = nil
      return
    }
    for suffix in ["csv", "dat"] where access("\(path)/ratings.\(suffix)", F_OK) == 0 {
      ratings = "\(path)/ratings.\(suffix)"
      let movies = "\(path)/movies.\(suffix)"
      self.movies = access(movies, F_OK) == 0 ? movies : nil
      return
    }
    throw DataFileError(path: path, message: "there is no ratings.csv or ratings.dat in it")
  }

  public func openRatings() throws(DataFileError) -> RatingReader {
    try RatingReader(path: ratings)
  }

  /// - Returns: `nil` when there is no file of movies.
  public func openMovies() throws(DataFileError) -> MovieReader? {
    guard let movies else { return nil }
    return try MovieReader(path: movies)
  }

  static func separator(of path: String) -> DelimitedLine.Separator {
    path.hasSuffix(".dat") ? .doubleColon : .comma
  }
}

/// Reads a file of ratings: user, movie, rating, time, in this order or in that of its header
/// (`userId`, `user_id` or `user_idx`, the same of movies, `rating`, `timestamp`).
///
/// Ratings are 0.5 to 5 in half steps; times are seconds since 1970 or ISO 8601.
public struct RatingReader: ~Copyable {
  public struct Rating: Hashable, Sendable {
    public var user: Int64
    public var movie: Int64
    public var rating: HalfStars
    public var timeMilliseconds: Int64
  }

  private static let names = [
    ["userid", "user_idx", "user_id"], ["movieid", "movie_idx", "movie_id"], ["rating"],
    ["timestamp"],
  ]

  private var reader: LineReader
  private var line: DelimitedLine
  private var columns = [0, 1, 2, 3]

  init(path: String) throws(DataFileError) {
    reader = try LineReader(path: path)
    line = DelimitedLine(separator: MovieLensFiles.separator(of: path))
  }

  /// The file's length in bytes.
  public var fileSize: Int { reader.fileSize }
  /// How many bytes of the file have been read.
  public var bytesRead: Int { reader.bytesRead }

  /// The next rating, `nil` at the end. Empty lines are skipped.
  public mutating func next() throws(DataFileError) -> Rating? {
    while try reader.advance() {
      if reader.line.byteCount == 0 { continue }
      guard line.split(reader.line) else { throw reader.error("a quote is not closed") }
      if reader.lineNumber == 1, DecimalText.parse(line.bytes(0, of: reader.line)) == nil {
        try readHeader()
        continue
      }
      return try rating()
    }
    return nil
  }

  private mutating func readHeader() throws(DataFileError) {
    // A byte-order mark may precede the first name.
    let header = (0..<line.count).map {
      line.text($0, of: reader.line).lowercased().trimmingPrefix("\u{FEFF}")
    }
    for (index, names) in Self.names.enumerated() {
      guard let column = header.firstIndex(where: { names.contains(String($0)) }) else {
        throw reader.error("the header has no column \(names[names.count - 1])")
      }
      columns[index] = column
    }
  }

  private func rating() throws(DataFileError) -> Rating {
    for (column, names) in zip(columns, Self.names) where column >= line.count {
      throw reader.error("there is no \(names[names.count - 1])")
    }
    guard let user = DecimalText.parse(field(0)) else { throw wrong(0, "a whole number") }
    guard let movie = DecimalText.parse(field(1)) else { throw wrong(1, "a whole number") }
    guard let rating = HalfStars(decimal: field(2)) else {
      throw wrong(2, "0.5 to 5 in half steps")
    }
    guard let time = time() else { throw wrong(3, "seconds since 1970 or ISO 8601") }
    return Rating(user: user, movie: movie, rating: rating, timeMilliseconds: time)
  }

  private func time() -> Int64? {
    guard let seconds = DecimalText.parse(field(3)) else {
      return EventTime.milliseconds(iso8601: field(3))
    }
    let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    return overflow ? nil : milliseconds
  }

  @_lifetime(borrow self)
  private func field(_ index: Int) -> RawSpan {
    line.bytes(columns[index], of: reader.line)
  }

  private func wrong(_ index: Int, _ expected: String) -> DataFileError {
    let text = line.text(columns[index], of: reader.line)
    return reader.error("\(Self.names[index].last ?? "") is '\(text)', not \(expected)")
  }
}

/// Reads a file of movies: id, title, genres.
public struct MovieReader: ~Copyable {
  public struct Movie: Hashable, Sendable {
    public var id: Int64
    public var title: String
    /// As in the file: `A|B`.
    public var genres: String
  }

  private var reader: LineReader
  private var line: DelimitedLine

  init(path: String) throws(DataFileError) {
    reader = try LineReader(path: path)
    line = DelimitedLine(separator: MovieLensFiles.separator(of: path))
  }

  /// The next movie, `nil` at the end. Empty lines and a header are skipped.
  public mutating func next() throws(DataFileError) -> Movie? {
    while try reader.advance() {
      if reader.line.byteCount == 0 { continue }
      guard line.split(reader.line) else { throw reader.error("a quote is not closed") }
      guard let id = DecimalText.parse(line.bytes(0, of: reader.line)) else {
        if reader.lineNumber == 1 { continue }
        let text = line.text(0, of: reader.line)
        throw reader.error("movie_id is '\(text)', not a whole number")
      }
      guard line.count == 3 else {
        throw reader.error("there are \(line.count) fields, not movie_id, title and genres")
      }
      return Movie(
        id: id, title: line.text(1, of: reader.line), genres: line.text(2, of: reader.line))
    }
    return nil
  }
}

extension HalfStars {
  /// Reads `4`, `4.0` or `4.5`, any number of zeros after the point included.
  init?(decimal text: RawSpan) {
    guard text.byteCount > 0 else { return nil }
    let whole = text.byte(at: 0) &- 0x30
    guard whole <= 5 else { return nil }
    var half: UInt8 = 0
    if text.byteCount > 1 {
      guard text.byte(at: 1) == UInt8(ascii: "."), text.byteCount > 2 else { return nil }
      for index in 2..<text.byteCount {
        let digit = text.byte(at: index)
        if index == 2, digit == UInt8(ascii: "5") {
          half = 1
        } else if digit != UInt8(ascii: "0") {
          return nil
        }
      }
    }
    self.init(rawValue: whole * 2 + half)
  }
}
