import Glibc
import Ratings
import Testing

@testable import Pipeline

@Suite struct DataFileTests {
  /// A directory of its own for each test, removed with it.
  private final class Directory {
    let path: String

    init(_ files: [String: [UInt8]]) throws {
      var template = Array("/tmp/projectionist-data-XXXXXX".utf8CString)
      path = try #require(mkdtemp(&template).map { String(cString: $0) })
      for (name, content) in files {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        #expect(fwrite(content, 1, content.count, file) == content.count)
        #expect(fclose(file) == 0)
      }
    }

    deinit {
      for name in ["ratings.csv", "movies.csv", "ratings.dat", "movies.dat"] {
        unlink("\(path)/\(name)")
      }
      rmdir(path)
    }
  }

  private func ratings(_ content: String, name: String = "ratings.csv") throws
    -> [RatingReader.Rating]
  {
    let directory = try Directory([name: Array(content.utf8)])
    var reader = try MovieLensFiles(path: "\(directory.path)/\(name)").openRatings()
    var ratings: [RatingReader.Rating] = []
    while let rating = try reader.next() { ratings.append(rating) }
    #expect(reader.bytesRead == reader.fileSize)
    return ratings
  }

  private func movies(_ content: [UInt8], name: String = "movies.csv") throws -> [MovieReader.Movie]
  {
    let ratings = name == "movies.csv" ? "ratings.csv" : "ratings.dat"
    let directory = try Directory([name: content, ratings: []])
    var movies: [MovieReader.Movie] = []
    guard var reader = try MovieLensFiles(path: directory.path).openMovies() else { return movies }
    while let movie = try reader.next() { movies.append(movie) }
    return movies
  }

  private func failure(_ body: () throws -> some Any) -> DataFileError? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? DataFileError
    }
  }

  @Test func readsMovieLensRatings() throws {
    let ratings = try ratings(
      "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n671,6565,5,0\n")
    #expect(ratings.map(\.user) == [1, 671])
    #expect(ratings.map(\.movie) == [31, 6565])
    #expect(ratings.map(\.rating.stars) == [2.5, 5])
    #expect(ratings.map(\.timeMilliseconds) == [1_260_759_144_000, 0])
  }

  @Test func lineEndsAndEmptyLinesDoNotMatter() throws {
    let plain = try ratings("1,2,3.0,4\n5,6,0.5,8\n")
    #expect(plain.count == 2)
    #expect(try ratings("1,2,3.0,4\r\n5,6,0.5,8\r\n") == plain)
    #expect(try ratings("1,2,3.0,4\n\n5,6,0.5,8") == plain)
    #expect(try ratings("1,2,3.0,4\r\n5,6,0.5,8\r") == plain)
    #expect(try ratings("").isEmpty)
    #expect(try ratings("userId,movieId,rating,timestamp\n").isEmpty)
  }

  @Test func theHeaderSaysWhereTheColumnsAre() throws {
    let ratings = try ratings(
      "\u{FEFF}timestamp,rating,note,movie_id,user_id\n"
        + "\"2005-04-02 23:53:47\",3.5,\"a, b\",2,1\n")
    let rating = try #require(ratings.first)
    #expect(rating.user == 1 && rating.movie == 2 && rating.rating.stars == 3.5)
    #expect(rating.timeMilliseconds == 1_112_486_027_000)
  }

  @Test func readsDoubleColons() throws {
    let ratings = try ratings(
      "1::1193::5::978300760\n1::661::3.5::978302109\n", name: "ratings.dat")
    #expect(ratings.map(\.movie) == [1193, 661])
    #expect(ratings.map(\.rating.stars) == [5, 3.5])
  }

  @Test(arguments: [
    ("1,2,3.0,4\n1,2,3.7,4\n", 2, "rating is '3.7', not 0.5 to 5 in half steps"),
    ("1,2,3.0,4\n\n1,2,0,4\n", 3, "rating is '0', not 0.5 to 5 in half steps"),
    ("1,2,5.5,4\n", 1, "rating is '5.5', not 0.5 to 5 in half steps"),
    ("1,2,3.0,4\nx,2,3.0,4\n", 2, "user_id is 'x', not a whole number"),
    ("1,-2,3.0,4\n", 1, "movie_id is '-2', not a whole number"),
    ("1,2,3.0\n", 1, "there is no timestamp"),
    ("1,2,3.0,soon\n", 1, "timestamp is 'soon', not seconds since 1970 or ISO 8601"),
    ("1,2,\"3.0,4\n", 1, "a quote is not closed"),
    ("user,movieId,rating,timestamp\n", 1, "the header has no column user_id"),
  ])
  func aBadLineIsNamed(content: String, line: Int, message: String) throws {
    let error = try #require(failure { try ratings(content) })
    #expect(error.line == line)
    #expect(error.message == message)
    #expect(error.description.hasSuffix("/ratings.csv:\(line): \(message)"))
  }

  @Test func titlesMayBeQuoted() throws {
    let content = """
      movieId,title,genres
      11,"American President, The (1995)",Comedy|Drama|Romance
      2,"The ""Real"" Thing, Again",(no genres listed)
      3,Plain (2000),War\r
      4,"",""
      """
    let movies = try movies(Array(content.utf8))
    #expect(
      movies.map(\.title) == [
        "American President, The (1995)", "The \"Real\" Thing, Again", "Plain (2000)", "",
      ])
    #expect(
      movies.map(\.genres) == ["Comedy|Drama|Romance", "(no genres listed)", "War", ""])
    #expect(movies.map(\.id) == [11, 2, 3, 4])
  }

  @Test func latin1TitlesBecomeUnicode() throws {
    let content = Array("73::Mis".utf8) + [0xE9] + Array("rables, Les: Part 2 (1995)::Drama\n".utf8)
    let movies = try movies(content, name: "movies.dat")
    #expect(movies.map(\.title) == ["Mis\u{E9}rables, Les: Part 2 (1995)"])
  }

  @Test(arguments: [
    ("movieId,title,genres\n1,A\n", 2, "there are 2 fields, not movie_id, title and genres"),
    ("1,A,B\none,A,B\n", 2, "movie_id is 'one', not a whole number"),
    ("1,\"A\"x,B\n", 1, "a quote is not closed"),
  ])
  func aBadMovieIsNamed(content: String, line: Int, message: String) throws {
    let error = try #require(failure { try movies(Array(content.utf8)) })
    #expect(error.line == line)
    #expect(error.message == message)
  }

  @Test func linesLongerThanTheBufferAreWhole() throws {
    let title = String(repeating: "long ", count: 500_000)
    let movies = try movies(Array("1,\(title),A\n2,short,B\n".utf8))
    #expect(movies.map(\.title.utf8.count) == [2_500_000, 5])
  }

  @Test func whatIsNotThereIsNamed() throws {
    let missing = try #require(failure { try MovieLensFiles(path: "/tmp/there/is/none") })
    #expect(missing.description == "/tmp/there/is/none: No such file or directory")
    let directory = try Directory([:])
    let empty = try #require(failure { try MovieLensFiles(path: directory.path) })
    #expect(empty.message == "there is no ratings.csv or ratings.dat in it")
  }

  @Test func ratingsAreReadInManyForms() {
    func stars(_ text: String) -> Double? {
      HalfStars(decimal: Array(text.utf8).span.bytes)?.stars
    }
    #expect(stars("4") == 4)
    #expect(stars("4.0") == 4)
    #expect(stars("4.50") == 4.5)
    #expect(stars("0.5") == 0.5)
    for text in ["", "0", "0.0", "5.5", "6", "4.", ".5", "4.05", "4.25", "-1", "4,5", "NaN", " 4"] {
      #expect(stars(text) == nil, "\(text)")
    }
  }
}
