import ArgumentParser
import Pipeline
import Testing

@testable import projectionist

@Suite struct StateCommandTests {
  @Test func theCommandsParse() throws {
    let get = try #require(
      try StateCommand.parseAsRoot(["get", "user", "42", "--json"]) as? StateGetCommand)
    #expect(get.table == "user" && get.key == "42" && get.json)
    let verify = try #require(
      try StateCommand.parseAsRoot(["verify", "--no-redis", "--stage", "movie"])
        as? StateVerifyCommand)
    #expect(!verify.redis && verify.options.stage == .movie)
    #expect(throws: (any Error).self) {
      try StateCommand.parseAsRoot(["scan", "user", "--limit", "-1"])
    }
    #expect(throws: (any Error).self) { try StateCommand.parseAsRoot(["verify", "--wait", "-1"]) }
    #expect(throws: (any Error).self) { try StateOptions.parse(["--stage", "intake"]) }
    #expect(throws: (any Error).self) { try StateOptions.parse(["--partition", "-1"]) }
  }
}
