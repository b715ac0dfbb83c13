/// Text files that are no table of ratings, recognized by how they begin.
enum ForeignTable {
  private static let needed = "columns userId, movieId, rating, timestamp"
  private static let makeTable = "make a table with the \(needed) of it"

  /// What such a file is and what to do.
  ///
  /// - Parameter lines: the first ones.
  /// - Returns: `nil` for a file that may be a table of ratings.
  static func describe(_ lines: [String]) -> String? {
    guard let first = lines.first(where: { !$0.allSatisfy(\.isWhitespace) }) else { return nil }
    return describe(beginning: first, lines) ?? describe(header: first)
  }

  private static func describe(beginning first: String, _ lines: [String]) -> String? {
    let text = first.drop(while: \.isWhitespace).lowercased()
    if text.hasPrefix("version https://git-lfs") {
      return "it is a Git LFS pointer, not the file itself: run git lfs pull"
    }
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
      return "it is a web page: the download has failed, or needs a login"
    }
    if text.hasPrefix("<") { return "it is XML: \(makeTable)" }
    if text.hasPrefix("%%matrixmarket") {
      return "it is a Matrix Market file, which has no times: \(makeTable)"
    }
    if text.hasPrefix("@relation") { return "it is an ARFF file: \(makeTable)" }
    if text.hasPrefix("-- ") || text.hasPrefix("create table") || text.hasPrefix("insert into") {
      return "it is an SQL dump: export the table as CSV"
    }
    if text.hasPrefix("[") || text == "{" {
      return "it is a JSON document: write an event a line, such as with jq -c '.[]'"
    }
    if isNetflixMovie(text) {
      return "it has the layout of the Netflix prize (a movie's id and a colon, then its ratings):"
        + " \(makeTable), and give the dates as timestamps"
    }
    return nil
  }

  /// `1:`
  private static func isNetflixMovie(_ line: String) -> Bool {
    let text = line.filter { !$0.isWhitespace }
    return text.hasSuffix(":") && text.count > 1 && text.dropLast().allSatisfy(\.isNumber)
  }

  private static func describe(header: String) -> String? {
    let names = Set(header.split { ",;\t|".contains($0) }.map { ColumnName.plain(String($0)) })
    for (wanted, text) in headers where names.isSuperset(of: wanted) { return text }
    return nil
  }

  /// What columns of these plain names say of a file.
  private static let headers: [(names: Set<String>, text: String)] = [
    (
      ["const", "yourrating"],
      "it is one person's IMDb export, whose movies have ids of IMDb (tt…): map them to numbers"
        + " (MovieLens' links.csv does), and \(makeTable); its scale is --scale 10"
    ),
    (["tconst"], "it is one of IMDb's data sets, which has no users' ratings: nothing to load"),
    (
      ["letterboxduri"],
      "it is one person's Letterboxd export, without ids of movies: map its names to ids, and"
        + " \(makeTable)"
    ),
    (
      ["isbn", "bookrating"],
      "it is Book-Crossing's, which rates books by ISBN, without times: number the books, and"
        + " \(makeTable); its scale is --scale 10"
    ),
    (["isbn", "booktitle"], "it is Book-Crossing's list of books: \(makeTable)"),
    (
      ["bookid", "myrating"],
      "it is one person's Goodreads export: \(makeTable)"
    ),
    (["movieid", "imdbid", "tmdbid"], "it is MovieLens' links.csv: pass its directory instead"),
    (["movieid", "tag"], "it is MovieLens' tags.csv: pass its directory instead"),
    (["movieid", "tagid", "relevance"], "it is MovieLens' tag genome: pass its directory instead"),
    (["asin", "overall"], "it is a file of Amazon reviews, whose ids are text: \(makeTable)"),
  ]
}
