import Testing

@testable import RedisProjection

@Suite struct FeatureWriterTests {
  static let users = FeastView("user_stats", features: ["rating_count", "rating_mean", "genre"])
  static let recent = FeastView("user_recent", features: ["last_movie"])

  let server: RedisServer
  let writer: FeatureWriter
  let reader: FeatureReader
  private let permit: ProjectionPermit
  private let key = FeastKey(project: "movies", joinKeys: ["user_id"])

  init() throws {
    server = try RedisServer()
    writer = FeatureWriter(server.configuration, rowsPerCommand: 4)
    reader = FeatureReader(server.configuration)
    permit = try server.makePermit()
  }

  private func bytes(_ user: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    key.append(user, to: &bytes)
    return bytes
  }

  private func batch(_ fill: (inout FeatureBatch) -> Void) -> FeatureBatch {
    var batch = FeatureBatch(views: [Self.users, Self.recent])
    fill(&batch)
    return batch
  }

  private func put(
    _ batch: inout FeatureBatch, _ user: Int64, _ fence: Fence, count: Int64,
    genre: String? = "drama"
  ) {
    batch.put(
      view: 0, key: bytes(user).span.bytes, fence: fence, eventTime: 1_700_000_000_000 + count)
    batch.append(.int64(count))
    batch.append(.double(Double(count) / 2))
    batch.append(genre.map { .string($0) })
  }

  private func row(_ user: Int64, _ view: FeastView = users) throws -> RedisRow? {
    try reader.read(view, key: bytes(user).span.bytes)
  }

  private func fence(_ generation: UInt64, _ offset: Int64) -> Fence {
    Fence(generation: generation, offset: offset)
  }

  private func write(_ user: Int64, _ fence: Fence, count: Int64) throws -> FeatureWriter.Counts {
    try writer.write(batch { put(&$0, user, fence, count: count) }, by: permit)
  }

  @Test func writtenRowIsReadBack() throws {
    #expect(try row(1) == nil)
    #expect(try write(1, fence(1, 5), count: 7) == .init(written: 1))
    #expect(
      try row(1)
        == RedisRow(
          values: [.int64(7), .double(3.5), .string("drama")], eventTime: 1_700_000_000_007,
          fence: fence(1, 5)))
    #expect(try row(1, Self.recent) == nil)
    #expect(try writer.write(batch { _ in }, by: permit) == .init())
  }

  @Test func onlyNewerRowsReplace() throws {
    _ = try write(1, fence(2, 10), count: 1)
    for (fence, isNewer) in [
      (fence(2, 10), false), (fence(2, 9), false), (fence(1, 99), false), (fence(2, 11), true),
      (fence(2, 100), true), (fence(3, 0), true), (fence(3, 1 << 53), true),
      (fence(3, (1 << 53) + 1), true), (fence(10, 1), true), (fence(9, 5), false),
    ] {
      let before = try row(1)
      let counts = try write(1, fence, count: fence.offset)
      #expect(counts == (isNewer ? .init(written: 1) : .init(fenced: 1)))
      #expect(try isNewer ? row(1)?.fence == fence : row(1) == before)
    }
  }

  @Test func missingValueReplacesAnOlderOne() throws {
    _ = try write(1, fence(1, 1), count: 3)
    _ = try writer.write(
      batch { put(&$0, 1, fence(1, 2), count: 4, genre: nil) }, by: permit)
    #expect(try row(1)?.values == [.int64(4), .double(2), nil])
  }

  @Test func tombstoneRemovesTheViewAndKeepsItsFence() throws {
    _ = try writer.write(
      batch { batch in
        put(&batch, 1, fence(1, 5), count: 1)
        batch.put(view: 1, key: bytes(1).span.bytes, fence: fence(1, 5), eventTime: 9)
        batch.append(.int64(3))
      }, by: permit)
    let delete = batch { $0.delete(view: 0, key: bytes(1).span.bytes, fence: fence(1, 6)) }
    #expect(try writer.write(delete, by: permit) == .init(written: 1))
    #expect(
      try row(1)
        == RedisRow(values: [nil, nil, nil], eventTime: nil, fence: fence(1, 6)))
    #expect(try row(1, Self.recent)?.values == [.int64(3)])
    #expect(try writer.write(delete, by: permit) == .init(fenced: 1))
    #expect(try write(1, fence(1, 6), count: 2) == .init(fenced: 1))
    #expect(try write(1, fence(1, 7), count: 2) == .init(written: 1))
  }

  @Test func manyRowsOfManyKeysAndViews() throws {
    let many = batch { batch in
      for user in 0..<50 as Range<Int64> {
        put(&batch, user, fence(1, user), count: user)
        batch.put(view: 1, key: bytes(user).span.bytes, fence: fence(1, user), eventTime: 0)
        batch.append(.int64(-user))
        // The same key twice in one batch, the second one out of date.
        if user % 5 == 0 { put(&batch, user, fence(0, user), count: 1000) }
      }
    }
    #expect(many.count == 110)
    #expect(try writer.write(many, by: permit) == .init(written: 100, fenced: 10))
    for user in 0..<50 as Range<Int64> {
      #expect(try row(user)?.values.first == .int64(user))
      #expect(try row(user, Self.recent)?.values == [.int64(-user)])
      #expect(try row(user, Self.recent)?.eventTime == 0)
    }
    #expect(try writer.write(many, by: permit) == .init(fenced: 110))
  }

  @Test func randomOrdersConvergeOnTheNewest() throws {
    var generator = SeededGenerator(state: 1)
    let fences = (0..<30).map { fence(UInt64($0 / 10), Int64($0 % 10)) }
    for user in 0..<5 as Range<Int64> {
      let shuffled = fences.shuffled(using: &generator)
      _ = try writer.write(
        batch { batch in
          for fence in shuffled { put(&batch, user, fence, count: fence.offset) }
        }, by: permit)
      #expect(try row(user)?.fence == fence(2, 9))
      #expect(try row(user)?.values.first == .int64(9))
    }
  }

  @Test func keysAndValuesAreBinarySafe() throws {
    let view = FeastView("raw", features: ["a", "b"])
    let key: [UInt8] = [0, 13, 10, 36, 255, 0, 42]
    var batch = FeatureBatch(views: [view])
    batch.put(view: 0, key: key.span.bytes, fence: fence(1, 1), eventTime: -1)
    let value = FeastValue.bytes([0, 13, 10, 255, 0])
    batch.append(value)
    batch.append(.string("*1\r\n$4\r\n\0é"))
    #expect(try writer.write(batch, by: permit) == .init(written: 1))
    let row = try reader.read(view, key: key.span.bytes)
    #expect(row?.values == [value, .string("*1\r\n$4\r\n\0é")])
    #expect(row?.eventTime == -1)
  }

  @Test func reusedBatchHoldsNewRowsOnly() throws {
    var reused = batch { put(&$0, 1, fence(1, 1), count: 1) }
    reused.removeAll()
    #expect(reused.isEmpty && reused.byteCount == 0)
    put(&reused, 2, fence(1, 1), count: 2)
    #expect(try writer.write(reused, by: permit) == .init(written: 1))
    #expect(try row(1) == nil)
  }

  @Test func forgottenScriptIsLoadedAgain() throws {
    _ = try write(1, fence(1, 1), count: 1)
    _ = try RedisConnection(server.configuration).call(["SCRIPT", "FLUSH"])
    let many = batch { batch in
      for user in 1...9 as ClosedRange<Int64> { put(&batch, user, fence(1, 1), count: 2) }
    }
    #expect(try writer.write(many, by: permit) == .init(written: 8, fenced: 1))
  }

  @Test func killedServerIsATransientErrorUntilItIsBack() throws {
    let first = batch { put(&$0, 1, fence(1, 1), count: 1) }
    _ = try writer.write(first, by: permit)
    _ = try row(1)
    server.stop()
    for _ in 0..<3 {
      let failure = #expect(throws: RedisError.self) { try writer.write(first, by: permit) }
      #expect(failure?.condition == .unreachable || failure?.condition == .closed)
      #expect(failure?.description.contains(":\(server.port)") == true)
      #expect(throws: RedisError.self) { try row(1) }
    }
    try server.start()
    let lost = #expect(throws: RedisError.self) { try writer.write(first, by: permit) }
    #expect(lost?.refusal == .missing)
    _ = try server.makePermit()
    #expect(try writer.write(first, by: permit) == .init(written: 1))
    #expect(try row(1)?.fence == fence(1, 1))
  }

  @Test func brokenConnectionStaysBroken() throws {
    let connection = try RedisConnection(server.configuration)
    server.stop()
    #expect(throws: RedisError.self) { try connection.ping() }
    try server.start()
    #expect(throws: RedisError.self) { try connection.ping() }
  }

  @Test func aKeyThatIsNoHashIsReplacedAndHoldsUpNoOther() throws {
    let connection = try RedisConnection(server.configuration)
    var command = RedisCommand()
    for argument in [Array("SET".utf8), bytes(2), Array("x".utf8)] {
      command.append(copying: argument)
    }
    _ = try connection.call(&command)
    let failure = #expect(throws: RedisError.self) { try row(2) }
    #expect(failure?.condition == .wrongType)
    let three = batch { batch in
      for user in 1...3 as ClosedRange<Int64> { put(&batch, user, fence(1, 1), count: user) }
    }
    #expect(try writer.write(three, by: permit) == .init(written: 3, replaced: 1))
    #expect(try row(2)?.values.first == .int64(2))
    #expect(try writer.write(three, by: permit) == .init(fenced: 3))
  }

  @Test func rowsOfAnEqualFenceAreReplacedOnRequest() throws {
    _ = try write(1, fence(1, 5), count: 1)
    let connection = try RedisConnection(server.configuration)
    var command = RedisCommand()
    for argument in [Array("HDEL".utf8), bytes(1), Self.users.fields[0]] {
      command.append(copying: argument)
    }
    _ = try connection.call(&command)
    let same = batch { put(&$0, 1, fence(1, 5), count: 1) }
    #expect(try writer.write(same, by: permit) == .init(fenced: 1))
    var again = permit
    again.replacesEqual = true
    #expect(try writer.write(same, by: again) == .init(written: 1))
    #expect(try row(1)?.values.first == .int64(1))
    let older = batch { put(&$0, 1, fence(1, 4), count: 9) }
    #expect(try writer.write(older, by: again) == .init(fenced: 1))
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same test.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct RedisConnectionTests {
  @Test func passwordAndDatabase() throws {
    let server = try RedisServer()
    let plain = try RedisConnection(server.configuration)
    _ = try plain.call(["CONFIG", "SET", "requirepass", "a secret"])
    var configuration = server.configuration
    let missing = #expect(throws: RedisError.self) { try RedisConnection(configuration).ping() }
    #expect(missing?.condition == .passwordMissing)
    configuration.password = "wrong"
    let wrong = #expect(throws: RedisError.self) { try RedisConnection(configuration) }
    #expect(wrong?.condition == .passwordWrong)
    #expect(wrong?.description.contains("redis.password") == true)
    configuration.password = "a secret"
    configuration.database = 3
    let connection = try RedisConnection(configuration)
    let info = try connection.call(["CLIENT", "INFO"]).bytes
    #expect(String(decoding: info ?? [], as: UTF8.self).contains(" db=3 "))
    configuration.username = "default"
    try RedisConnection(configuration).ping()
    configuration.database = 99
    let database = #expect(throws: RedisError.self) { try RedisConnection(configuration) }
    #expect(database?.condition == .noDatabase)
  }

  @Test func unixSocket() throws {
    let path = "/tmp/redis-test-\(UInt64.random(in: 0 ... .max)).sock"
    let server = try RedisServer(["--unixsocket", path])
    try withExtendedLifetime(server) {
      try RedisConnection(RedisConfiguration(address: .unix(path: path))).ping()
    }
    let failure = #expect(throws: RedisError.self) {
      try RedisConnection(RedisConfiguration(address: .unix(path: path + "x")))
    }
    #expect(failure?.condition == .unreachable)
  }

  @Test func unansweredCommandTimesOut() throws {
    let server = try RedisServer()
    var configuration = server.configuration
    configuration.commandTimeout = .milliseconds(50)
    let connection = try RedisConnection(configuration)
    let failure = #expect(throws: RedisError.self) {
      _ = try connection.call(["BLPOP", "nothing", "5"])
    }
    #expect(failure?.condition == .silent)
  }
}
