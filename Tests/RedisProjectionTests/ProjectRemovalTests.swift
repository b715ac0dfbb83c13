import Testing

@testable import RedisProjection

@Suite struct ProjectRemovalTests {
  private let server: RedisServer
  private let connection: RedisConnection

  init() throws {
    server = try RedisServer()
    connection = try RedisConnection(server.configuration)
  }

  private func size() throws -> Int64? { try connection.call(["DBSIZE"]).integer }

  /// More keys than one step looks at.
  @Test func onlyKeysThatNameTheProjectAreDeleted() throws {
    let script = """
      for i = 1, 3000 do
        redis.call('HSET', 'user' .. i .. 'movies', 'f', 1)
        redis.call('HSET', 'user' .. i .. 'mine', 'f', 1)
      end
      redis.call('SET', 'project:mine:owner', 1)
      """
    _ = try connection.call(["EVAL", script, "0"])
    #expect(try size() == 6001)
    try ProjectRemoval.deleteKeys(naming: "mine", server.configuration)
    #expect(try size() == 3000)
    #expect(try connection.call(["EXISTS", "user3000movies"]).integer == 1)
    try ProjectRemoval.deleteKeys(naming: "mine", server.configuration)
    #expect(try size() == 3000)
  }

  /// What is a pattern to Redis is a name here.
  @Test func aNameIsNoPattern() throws {
    for key in ["a*b", "axb", "a[bc]", "ab", "a?b", #"a\b"#] {
      _ = try connection.call(["SET", key, "1"])
    }
    for name in ["a*b", "a[bc]", "a?b", #"a\b"#] {
      try ProjectRemoval.deleteKeys(naming: name, server.configuration)
      #expect(try connection.call(["EXISTS", name]).integer == 0, "\(name)")
    }
    #expect(try connection.call(["EXISTS", "axb", "ab"]).integer == 2)
  }

  @Test func aRedisThatIsAwayIsAnError() {
    server.stop()
    #expect(throws: RedisError.self) {
      try ProjectRemoval.deleteKeys(naming: "mine", server.configuration)
    }
  }
}
