import ArgumentParser
import Testing

@testable import projectionist

@Suite struct RedisCommandTests {
  @Test func theCommandsParse() throws {
    let claim = try #require(
      try RedisCommand.parseAsRoot(["claim", "--json", "--set", "redis.port=6390"])
        as? RedisClaimCommand)
    #expect(claim.json && claim.common.assignments == ["redis.port=6390"])
    #expect(try RedisCommand.parseAsRoot([]) is RedisStatCommand)
    #expect(throws: (any Error).self) { try RedisCommand.parseAsRoot(["claim", "everything"]) }
  }
}
