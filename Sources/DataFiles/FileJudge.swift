import Recommender

/// Reads files to their end, and says what is in them: nothing is loaded that this has not seen.
package enum FileJudge {
  private static let rowsPerReport = 1024

  /// - Parameters:
  ///   - limit: valid ratings after which to stop.
  ///   - progress: called now and then.
  package static func judge(
    _ reader: consuming RatingReader, limit: Int = .max,
    progress: (_ rows: Int, _ fraction: Double) -> Void = { _, _ in }
  ) throws(DataFileError) -> FileReport {
    var report = reader.report
    while report.valid < limit, let row = try reader.next() {
      switch row {
      case .valid: report.valid += 1
      case .invalid(let fault): report.add(fault, line: reader.line)
      }
      if reader.rows % rowsPerReport == 0 { progress(reader.rows, reader.fraction) }
    }
    reader.describe(&report)
    return report
  }

  package static func judge(
    _ reader: consuming MovieReader,
    progress: (_ rows: Int, _ fraction: Double) -> Void = { _, _ in }
  ) throws(DataFileError) -> FileReport {
    var report = reader.report
    while let row = try reader.next() {
      switch row {
      case .valid: report.valid += 1
      case .invalid(let fault): report.add(fault, line: reader.line)
      }
      if reader.rows % rowsPerReport == 0 { progress(reader.rows, reader.fraction) }
    }
    reader.describe(&report)
    return report
  }
}

extension RatingReader {
  /// The report before the first row.
  package var report: FileReport {
    FileReport(
      file: file.name, layout: layout, separator: separator.name, encoding: encoding.name)
  }

  /// Adds to a report what the rows read so far are like.
  package func describe(_ report: inout FileReport) {
    report.rows = rows
    guard case .table = format else { return }
    report.times = traits.times.names
    report.rounded = traits.rounded
    report.aboveFive = traits.aboveFive
    guard traits.lowestStars <= traits.highestStars else { return }
    report.lowestStars = traits.lowestStars
    report.highestStars = traits.highestStars
  }

  private var layout: String {
    guard case .table(let format) = format else { return "JSON lines" }
    guard let header = format.header else {
      switch format.dialect.separator {
      case .doubleColon: return "MovieLens 1M or 10M"
      case .tab: return "MovieLens 100K"
      default: return "table without a header: user, movie, rating, time"
      }
    }
    if header.map(ColumnName.plain) == ["userid", "movieid", "rating", "timestamp"] {
      return "MovieLens"
    }
    let names = ColumnName.ratings.enumerated().map { part, column in
      "\(column.name) = \(header[format.columns[part]])"
    }
    return "table: \(names.joined(separator: ", "))"
  }
}

extension MovieReader {
  package var report: FileReport {
    FileReport(
      file: file.name, layout: layout, separator: format.dialect.separator.name,
      encoding: encoding.name)
  }

  package func describe(_ report: inout FileReport) {
    report.rows = rows
    if hasLatin1, encoding == .utf8 { report.encoding = "Latin-1" }
  }

  private var layout: String {
    guard let header = format.header else {
      if format.columns == .item { return "MovieLens 100K" }
      return format.dialect.separator == .doubleColon
        ? "MovieLens 1M or 10M" : "table without a header: movie, title, genres"
    }
    if header.map(ColumnName.plain) == ["movieid", "title", "genres"] { return "MovieLens" }
    let genres = format.columns.genres.map { "genres = \(header[$0])" }
    let flags =
      format.columns.flags.isEmpty ? nil : "genres = \(format.columns.flags.count) columns"
    return "table: movie_id = \(header[format.columns.id]), title = \(header[format.columns.title])"
      + ", \(genres ?? flags ?? "no genres")"
  }
}
