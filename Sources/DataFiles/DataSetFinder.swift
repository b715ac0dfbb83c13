/// Finds a data set among paths: those of a directory, or of an archive. Names alone decide.
struct DataSetFinder {
  /// A directory's files that are read.
  struct Found: Hashable {
    var ratings: String
    var movies: String?
    /// What is there and not read, and why, for people.
    var note: String?
  }

  enum Outcome: Hashable {
    case found(Found)
    /// Nothing, or too much of it, for this reason.
    case none(String)
  }

  private enum Role {
    case ratings
    case movies
  }

  private static let extensions: Set<Substring> = [
    "csv", "tsv", "txt", "dat", "data", "jsonl", "ndjson",
  ]
  static let compressions: Set<Substring> = ["gz", "bz2", "xz", "zst"]
  /// The movies of "The Movies Dataset", whose ratings are MovieLens'.
  private static let tmdbMovies = "movies_metadata.csv"
  /// Of files that hold tables in other forms.
  private static let foreign: Set<Substring> = [
    "parquet", "orc", "avro", "feather", "arrow", "xlsx", "xls", "ods", "pkl", "pickle", "sqlite",
    "db", "h5", "hdf5", "npy", "npz", "mat", "arff", "json", "xml", "sql",
  ]
  private static let archives: Set<Substring> = ["zip", "tar", "tgz", "7z", "rar"]

  /// Whether a file says nothing: what macOS adds, and what is hidden.
  private static func isNoise(_ path: String) -> Bool {
    parts(of: path).contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
  }

  private static func role(of path: String) -> Role? {
    var parts = name(of: path).lowercased().split(separator: ".", omittingEmptySubsequences: false)
    if let last = parts.last, compressions.contains(last), parts.count > 1 { parts.removeLast() }
    let name = parts.joined(separator: ".")
    if name == "u.data" || parts.last == "inter" { return .ratings }
    if name == "u.item" || parts.last == "item" { return .movies }
    guard parts.count == 2, extensions.contains(parts[1]) else { return nil }
    switch parts[0] {
    case "ratings", "rating": return .ratings
    case "movies", "movie": return parts[1].hasSuffix("json") ? nil : .movies
    default: return nil
    }
  }

  private static func name(of path: String) -> Substring {
    path.split(separator: "/").last ?? ""
  }

  private static func directory(of path: String) -> String {
    parts(of: path).dropLast().joined(separator: "/")
  }

  /// Without `.` and `..`: an archive of the working directory has `./ratings.csv`.
  private static func parts(of path: String) -> [Substring] {
    path.split(separator: "/").filter { $0 != "." && $0 != ".." }
  }

  /// - Parameter paths: of regular files, with `/` between their parts.
  static func find(_ paths: [String]) -> Outcome {
    let paths = paths.filter { !isNoise($0) }
    if let foreign = FileKind.document(paths) { return .none(foreign) }
    let ratings = paths.filter { role(of: $0) == .ratings }
    let groups = Dictionary(grouping: ratings, by: directory)
    // What lies at the top is meant, whatever else there is.
    guard let place = groups[""] != nil ? "" : groups.count == 1 ? groups.first?.key : nil else {
      return groups.isEmpty ? none(paths) : .none(several(groups.keys.sorted()))
    }
    let candidates = plainest(groups[place] ?? [])
    guard let only = candidates.first, candidates.count == 1 else {
      return .none(
        "it holds several files of ratings: \(candidates.joined(separator: ", ")); pass the one you"
          + " mean")
    }
    let movies = plainest(paths.filter { role(of: $0) == .movies && directory(of: $0) == place })
    guard movies.count <= 1 else {
      return .none(
        "it holds several files of movies: \(movies.joined(separator: ", ")); remove all but one")
    }
    let metadata = paths.first { directory(of: $0) == place && name(of: $0) == tmdbMovies }
    return .found(
      Found(
        ratings: only, movies: movies.first,
        note: movies.isEmpty && metadata != nil
          ? "\(tmdbMovies) is not loaded: its ids are TMDB's, and not those of the ratings" : nil))
  }

  private static func several(_ places: [String]) -> String {
    let names = places.prefix(4).joined(separator: ", ") + (places.count > 4 ? ", …" : "")
    return "it holds several data sets: \(names); pass the one you mean"
  }

  /// The file of movies in the directory of this file of ratings.
  static func movies(nextTo ratings: String, among names: [String]) -> String? {
    guard role(of: ratings) == .ratings else { return nil }
    return names.sorted().first { role(of: $0) == .movies }
  }

  /// Without compressed copies of files that are there.
  private static func plainest(_ paths: [String]) -> [String] {
    paths.filter { path in
      guard let dot = path.lastIndex(of: "."),
        compressions.contains(path[path.index(after: dot)...])
      else { return true }
      return !paths.contains(String(path[..<dot]))
    }.sorted()
  }

  /// Nothing has the name of ratings.
  private static func none(_ paths: [String]) -> Outcome {
    let expected = "ratings.csv, rating.csv, ratings.dat or u.data"
    let tables = paths.filter { path in
      guard !isText(path), let last = name(of: path).split(separator: ".").last else {
        return false
      }
      return extensions.contains(last)
    }
    if let only = tables.first, tables.count == 1 {
      return .found(Found(ratings: only))
    }
    let names = paths.map { String(name(of: $0)) }
    if names.contains(where: { $0.hasPrefix("combined_data_") || $0.hasPrefix("mv_00") }) {
      return .none(
        "it is the Netflix prize's data: make a table with the columns userId, movieId, rating,"
          + " timestamp of it")
    }
    let packed = names.filter { name in
      name.split(separator: ".").last.map { archives.contains($0) } ?? false
    }
    if let archive = packed.first {
      return .none("there is no \(expected) in it; it holds \(archive): pass that file")
    }
    let table = names.first { name in
      name.split(separator: ".").last.map { foreign.contains($0) } ?? false
    }
    if let table {
      return .none("there is no \(expected) in it; it holds \(table): write its ratings as CSV")
    }
    guard !names.isEmpty else { return .none("it holds no files") }
    let shown = names.sorted().prefix(6).joined(separator: ", ")
    return .none("there is no \(expected) in it, but \(shown)\(names.count > 6 ? ", …" : "")")
  }

  private static func isText(_ path: String) -> Bool {
    ["readme", "license"].contains { name(of: path).lowercased().hasPrefix($0) }
  }
}
