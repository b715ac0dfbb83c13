/// A column that is looked for by its name.
struct ColumnName: Hashable {
  /// As it is called here.
  let name: String
  /// As MovieLens and this product call it.
  let own: [String]
  /// As others do. They count only where no column has one of the names above.
  let others: [String]

  /// The names in lower case, without blanks, hyphens, underscores, and RecBole's types (`:token`).
  static func plain(_ name: String) -> String {
    let base = name.prefix { $0 != ":" }
    return base.lowercased().filter { !" \t_-.\"'\u{FEFF}".contains($0) }
  }

  static let ratings = [
    ColumnName(
      name: "user_id", own: ["userid", "useridx"],
      others: [
        "user", "uid", "userno", "usernumber", "customerid", "customer", "memberid", "viewerid",
        "reviewerid", "accountid", "profileid",
      ]),
    ColumnName(
      name: "movie_id", own: ["movieid", "movieidx"],
      others: [
        "movie", "item", "itemid", "itemidx", "mid", "iid", "film", "filmid", "productid",
        "contentid", "titleid",
      ]),
    ColumnName(
      name: "rating", own: ["rating"],
      others: [
        "score", "stars", "star", "ratings", "userrating", "ratingvalue", "ratingscore",
        "starrating", "rate", "overall", "value",
      ]),
    ColumnName(
      name: "timestamp", own: ["timestamp"],
      others: [
        "time", "ts", "tstamp", "datetime", "date", "unixtime", "unixtimestamp", "unixreviewtime",
        "ratingtimestamp", "ratingtime", "ratingdate", "ratedat", "createdat", "eventtime",
      ]),
  ]

  static let movies = [
    ColumnName(
      name: "movie_id", own: ["movieid", "movieidx"],
      others: ["id", "item", "itemid", "itemidx", "mid", "iid", "filmid"]),
    ColumnName(
      name: "title", own: ["title"],
      others: ["movietitle", "movie", "moviename", "name", "film", "filmname", "itemname"]),
  ]

  static let genres = ColumnName(
    name: "genres", own: ["genres"], others: ["genre", "genrelist", "class", "categories"])

  /// MovieLens 100K's genres, in the order of its flags. Source: its file u.genre.
  static let flags = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
  ]
}

/// Where wanted columns are in a header.
enum ColumnMatch: Hashable {
  /// Their indices, in the order of the wanted.
  case found([Int])
  /// The names of those that no column has.
  case missing([String])
  /// Several columns could be the named one.
  case ambiguous(String, [String])

  init(_ wanted: [ColumnName], in header: [String]) {
    let plain = header.map(ColumnName.plain)
    var found: [Int] = []
    var missing: [String] = []
    for column in wanted {
      let own = plain.indices.filter { column.own.contains(plain[$0]) }
      let candidates =
        own.isEmpty ? plain.indices.filter { column.others.contains(plain[$0]) } : own
      if candidates.count > 1 {
        self = .ambiguous(column.name, candidates.map { header[$0] })
        return
      }
      if let only = candidates.first { found.append(only) } else { missing.append(column.name) }
    }
    self = missing.isEmpty ? .found(found) : .missing(missing)
  }
}
