import TestSupport
import Testing

@testable import DataFiles

/// Where ratings and movies are found.
@Suite struct DataSetTests {
  private static let rows = Array("1,31,2.5,1260759144\n".utf8)
  private static let rating = [Loaded(1, 31, 2.5, 1_260_759_144)]

  @Test(
    arguments: [
      (["ratings.csv", "movies.csv", "links.csv", "README.txt"], "ratings.csv", "movies.csv"),
      (["rating.csv", "movie.csv"], "rating.csv", "movie.csv"),
      (["ratings.dat", "movies.dat", "users.dat"], "ratings.dat", "movies.dat"),
      (["u.data", "u.item", "u1.base", "ua.test"], "u.data", "u.item"),
      (["ml/ratings.csv", "ml/movies.csv"], "ml/ratings.csv", "ml/movies.csv"),
      (["a/b/Ratings.CSV", "a/b/movies.csv", "c/movies.csv"], "a/b/Ratings.CSV", "a/b/movies.csv"),
      (["ratings.csv.gz", "movies.csv.gz"], "ratings.csv.gz", "movies.csv.gz"),
      (["ratings.csv", "ratings.csv.gz", "old/ratings.csv"], "ratings.csv", nil),
      (["ml/ratings.csv", "__MACOSX/ml/._ratings.csv", ".git/ratings.csv"], "ml/ratings.csv", nil),
      (["ratings.csv", "ratings_small.csv", "movies_metadata.csv"], "ratings.csv", nil),
      (["./ratings.csv", "./movies.csv"], "./ratings.csv", "./movies.csv"),
      (["./ratings.csv", "./.git/ratings.csv", "./old/ratings.csv"], "./ratings.csv", nil),
      (["../ml/ratings.csv", "../ml/movies.csv"], "../ml/ratings.csv", "../ml/movies.csv"),
      (["scores.csv", "README"], "scores.csv", nil), (["x/a.csv", "readme.txt"], "x/a.csv", nil),
      (
        ["ml-100k/ml-100k.inter", "ml-100k/ml-100k.item"], "ml-100k/ml-100k.inter",
        "ml-100k/ml-100k.item"
      ),
    ] as [([String], String, String?)])
  func namesDecide(paths: [String], ratings: String, movies: String?) {
    guard case .found(let found) = DataSetFinder.find(paths.shuffled()) else {
      Issue.record("nothing found in \(paths)")
      return
    }
    #expect(found.ratings == ratings && found.movies == movies)
    #expect((found.note != nil) == paths.contains("movies_metadata.csv"))
  }

  @Test(arguments: [
    ([], "it holds no files"), (["a.jpg"], "there is no ratings.csv"),
    (["a/ratings.csv", "b/ratings.csv"], "several data sets: a, b"),
    (["ratings.csv", "rating.csv"], "several files of ratings: rating.csv, ratings.csv"),
    (["ratings.csv", "movies.csv", "movie.csv"], "several files of movies"),
    (["ml-latest-small.zip"], "it holds ml-latest-small.zip: pass that file"),
    (["ratings.parquet"], "it holds ratings.parquet: write its ratings as CSV"),
    (["combined_data_1.txt", "movie_titles.csv", "qualifying.txt"], "Netflix"),
    (["xl/workbook.xml", "[Content_Types].xml"], "an Excel workbook"),
    (["mimetype", "content.xml"], "an OpenDocument file"),
  ])
  func whatIsNotThereIsNamed(paths: [String], message: String) {
    guard case .none(let reason) = DataSetFinder.find(paths) else {
      Issue.record("found something in \(paths)")
      return
    }
    #expect(reason.contains(message), "\(reason)")
  }

  @Test func aDirectoryAboveIsEnough() throws {
    #expect(
      try Contents(["x/ml-1m/ratings.dat": Array("1::31::2.5::1260759144".utf8)]).ratings
        == Self.rating)
  }

  @Test func archivesAreReadAsTheyAre() throws {
    let zip = Packing.zip([
      ("ml/README.txt", [65]), ("ml/movies.csv", Array("movieId,title,genres\n1,A,B\n".utf8)),
      ("ml/ratings.csv", Self.rows),
    ])
    let found = try Contents(["ml.zip": zip], path: "ml.zip")
    #expect(found.ratings == Self.rating)
    #expect(found.report.file.hasSuffix("/ml.zip/ml/ratings.csv"))
    #expect(
      try Contents(["r.csv.gz": Packing.gzip(Self.rows)], path: "r.csv.gz").ratings == Self.rating)
    #expect(try Contents(["ratings.csv.gz": Packing.gzip(Self.rows)]).ratings == Self.rating)
    // Without the ending that says so, too.
    #expect(try Contents(["r.csv": Packing.gzip(Self.rows)], path: "r.csv").ratings == Self.rating)
  }

  @Test func aDamagedArchiveIsNamed() throws {
    let gzip = Array(Packing.gzip(Self.rows).dropLast(9))
    let truncated = refusal { try Contents(["r.csv.gz": gzip], path: "r.csv.gz") }
    #expect(truncated?.contains("it can't be unpacked") == true)
    let twice = Packing.zip([("ratings.csv", Packing.gzip(Self.rows))])
    let packed = refusal { try Contents(["a.zip": twice], path: "a.zip") }
    #expect(packed?.contains("packed a second time") == true)
  }

  @Test func moviesNextToAFileAreNoted() throws {
    let tree = try FileTree(["rating.csv": Self.rows, "movie.csv": [65]])
    let file = try DataSet(path: "\(tree.path)/rating.csv")
    #expect(file.movies == nil)
    #expect(file.note == "movie.csv next to it is not loaded: pass the directory to load both")
    let both = try DataSet(path: "\(tree.path)/")
    #expect(both.movies?.path.hasSuffix("/movie.csv") == true && both.note == nil)
  }

  @Test func whatCannotBeReadIsNamed() throws {
    let missing = refusal { try DataSet(path: "/tmp/there/is/none") }
    #expect(missing == "No such file or directory")
    #expect(refusal { try DataSet(path: "/dev/null") }?.contains("files are read twice") == true)
  }
}
