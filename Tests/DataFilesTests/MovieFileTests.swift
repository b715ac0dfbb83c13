import Testing

@testable import DataFiles

@Suite struct MovieFileTests {
  @Test func titlesMayBeQuoted() throws {
    let content = """
      movieId,title,genres
      11,"American President, The (1995)",Comedy|Drama|Romance
      2,"The ""Real"" Thing, Again",(no genres listed)
      3,Plain (2000),War\r
      4,"Two
      lines",""
      5,After,War
      """
    let found = try movies(Array(content.utf8))
    #expect(
      found.movies == [
        LoadedMovie(11, "American President, The (1995)", "Comedy|Drama|Romance"),
        LoadedMovie(2, "The \"Real\" Thing, Again", "(no genres listed)"),
        LoadedMovie(3, "Plain (2000)", "War"), LoadedMovie(4, "Two\nlines", ""),
        LoadedMovie(5, "After", "War"),
      ])
    #expect(found.faults.isEmpty)
  }

  @Test func latin1TitlesBecomeUnicode() throws {
    let rest = Array("rables, Les \u{20}".utf8) + [0x96] + Array(" Part 2 (1995)::Drama\n".utf8)
    let content = Array("73::Mis".utf8) + [0xE9] + rest
    let found = try movies(content, name: "movies.dat")
    #expect(found.movies == [LoadedMovie(73, "Mis\u{E9}rables, Les  – Part 2 (1995)", "Drama")])
  }

  @Test func flagsAreGenres() throws {
    func row(_ id: Int, _ title: String, _ set: [Int]) -> String {
      let flags = (0..<19).map { set.contains($0) ? "1" : "0" }.joined(separator: "|")
      return "\(id)|\(title)|01-Jan-1995||http://us.imdb.com/M/title-exact?x|\(flags)\n"
    }
    let text =
      row(1, "Toy Story (1995)", [3, 4, 5]) + row(267, "unknown", [0]) + row(9, "None", [])
    let found = try movies(Array(text.utf8), name: "u.item")
    #expect(
      found.movies == [
        LoadedMovie(1, "Toy Story (1995)", "Animation|Children's|Comedy"),
        LoadedMovie(267, "unknown", "(no genres listed)"), LoadedMovie(9, "None", ""),
      ])
    #expect(found.faults.isEmpty)
    let named = "movie id;movie title;Comedy;Sci-Fi;War\n1;A;1;0;1\n"
    #expect(try movies(Array(named.utf8)).movies == [LoadedMovie(1, "A", "Comedy|War")])
  }

  @Test(arguments: [
    ("A|B", ["A", "B"]), ("Action, Drama", ["Action", "Drama"]), ("['A', \"B\"]", ["A", "B"]),
    ("Action; Sci-Fi, Fantasy", ["Action", "Sci-Fi, Fantasy"]), ("A;B|C", ["A;B", "C"]),
    ("A | B", ["A", "B"]), ("", []), ("(no genres listed)", ["(no genres listed)"]),
    ("Sci-Fi, Fantasy|War", ["Sci-Fi, Fantasy", "War"]), ("[]", []),
  ])
  func genresAreSeparatedInManyWays(text: String, genres: [String]) {
    let found = MovieReader.genres(of: text)
    #expect(found.map { $0.trimmingSpaces } == genres)
  }

  @Test func otherColumnsAndOrders() throws {
    let found = try movies(Array(",genre,id,year,name\n0,\"War, Crime\",7.0,1999,A\n".utf8))
    #expect(found.movies == [LoadedMovie(7, "A", "War|Crime")])
    #expect(try movies(Array("1,A,B\n2,C,D\n".utf8)).movies.map(\.id) == [1, 2])
  }

  @Test(arguments: [
    ("movieId,title,genres\n1,A\n", "2: it has 2 fields, not 3"),
    ("movieId,title,genres\n1,President, The,A\n", "2: it has 4 fields, not 3"),
    ("1,A,B\none,A,B\n", "2: movie_id is 'one', not a whole number"),
    ("movieId,title,genres\n1,\"A\"x,B\n", "2: text follows a closing quote"),
  ])
  func aBadMovieIsNamed(content: String, fault: String) throws {
    let found = try movies(Array((content + "5,Good,War\n").utf8))
    #expect(found.faults.count == 1 && found.faults[0].hasPrefix(fault), "\(found.faults)")
    #expect(found.movies.last == LoadedMovie(5, "Good", "War"))
  }

  @Test func whatTheCatalogWouldSkipIsAFault() throws {
    let title = String(repeating: "long ", count: 500_000)
    let found = try movies(Array("movieId,title,genres\n1,\(title),A\n2,short,B\n".utf8))
    #expect(found.faults == ["2: a movie has more than 8192 bytes"])
    #expect(found.movies == [LoadedMovie(2, "short", "B")])
  }

  @Test func aTableOfSomethingElseIsRefused() {
    #expect(refusal { try movies(Array("a,b,c\n".utf8)) }?.contains("not a table") == true)
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
