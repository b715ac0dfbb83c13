import ArgumentParser
import TestSupport
import Testing

@testable import Console
@testable import projectionist

@Suite struct LoadCommandTests {
  private static let header = "userId,movieId,rating,timestamp\n"

  /// The message with which loading ends, without a broker; `nil` for success.
  private func failure(_ files: [String: [UInt8]], _ arguments: String...) throws -> String? {
    let tree = try FileTree(files)
    let path = files.count == 1 ? "\(tree.path)/\(files.first?.key ?? "")" : tree.path
    do {
      try LoadCommand.parse([path] + arguments).run()
      return nil
    } catch let failure as CommandFailure {
      #expect(failure.status == .failure)
      return failure.message
    }
  }

  private func failure(_ text: String, _ arguments: String...) throws -> String? {
    let tree = try FileTree(texts: ["r.csv": text])
    do {
      try LoadCommand.parse(["\(tree.path)/r.csv"] + arguments).run()
      return nil
    } catch let failure as CommandFailure {
      return failure.message
    }
  }

  @Test func aBadRowStopsBeforeTheBrokerIsAsked() throws {
    let text = "\(Self.header)1,2,3.5,1260759144\n1,3,0.0,1260759144\n"
    let message = try #require(try failure(text))
    #expect(message.contains("/r.csv:3: rating is '0.0', not 0.5 to 5 in half steps"))
    #expect(message.contains("1 of 2 rows are invalid"))
  }

  @Test func aDryRunFailsWhereLoadingWould() throws {
    let good = "\(Self.header)1,2,3.5,1260759144\n"
    #expect(try failure(good, "--dry-run") == nil)
    #expect(try failure(good + "1,3,0,1260759144\n", "--dry-run", "--json") != nil)
    #expect(try failure(good + "1,3,0,1260759144\n", "--dry-run", "--skip-invalid") == nil)
    #expect(
      try failure("\(Self.header)1,2,9,1260759144\n", "--dry-run")?.contains("--scale 10") == true)
    #expect(try failure("\(Self.header)1,2,9,1260759144\n", "--dry-run", "--scale", "10") == nil)
  }

  @Test func aBadMovieStopsAsWell() throws {
    let files = [
      "ratings.csv": Array("\(Self.header)1,2,3.5,1260759144\n".utf8),
      "movies.csv": Array("movieId,title,genres\n1,President, The,A\n".utf8),
    ]
    let message = try #require(try failure(files, "--dry-run"))
    #expect(message.contains("/movies.csv:2: it has 4 fields, not 3"))
    #expect(try failure(files, "--dry-run", "--skip-invalid") == nil)
  }

  @Test func onlyTheRowsThatAreLoadedAreJudged() throws {
    let text = "\(Self.header)1,2,3.5,1260759144\n1,3,0,1260759144\n"
    #expect(try failure(text, "--dry-run", "--limit", "1") == nil)
  }

  @Test(arguments: [["x", "--scale", "0"], ["x", "--scale", "1001"], ["x", "--limit", "-1"]])
  func numbersHaveBounds(arguments: [String]) {
    #expect(throws: (any Error).self) { try LoadCommand.parse(arguments) }
  }
}
