import Testing

@testable import RedisProjection

@Suite struct ProjectionRecordTests {
  static let view = FeastView("user_stats", features: ["rating_count"])
  static let layout = FeastLayout(
    key: FeastKey(project: "movies", joinKeys: ["user_id"]), fields: view)

  let server: RedisServer
  let writer: FeatureWriter
  let keeper: ProjectionKeeper

  init() throws {
    server = try RedisServer()
    writer = FeatureWriter(server.configuration, rowsPerCommand: 2)
    keeper = ProjectionKeeper(server.configuration, project: "movies")
  }

  private func position(_ next: Int64) -> ProjectionPosition {
    ProjectionPosition(
      next: next, last: RecordMark(offset: next - 1, timestamp: -1, hash: UInt32(next)))
  }

  private func batch(
    _ users: Range<Int64>, epoch: UInt64 = 1, offset: Int64 = 5, project: String = "movies"
  ) -> FeatureBatch {
    var batch = FeatureBatch(views: [Self.view])
    let key = FeastKey(project: project, joinKeys: ["user_id"])
    for user in users {
      var bytes: [UInt8] = []
      key.append(user, to: &bytes)
      batch.put(
        view: 0, key: bytes.span.bytes, fence: Fence(generation: epoch, offset: offset),
        eventTime: 1000 + user)
      batch.append(.int64(user))
    }
    return batch
  }

  private func rows() throws -> [ProjectionKeeper.Row] {
    var rows: Set<ProjectionKeeper.Row> = []
    var cursor: ProjectionKeeper.Cursor? = .init()
    while let from = cursor {
      cursor = try keeper.scan(Self.layout, from: from) { rows.insert($0) }
    }
    return rows.sorted { $0.entity < $1.entity }
  }

  @Test func recordIsReadBack() throws {
    #expect(try keeper.record() == nil)
    let owner = ProjectionRecord.Owner(application: "a", cluster: "c")
    let record = ProjectionRecord(
      owner: owner, epoch: .max, hasLeftovers: true,
      positions: ["user-features[0]": position(7), "x.movie-features.g2[12]": .init(next: 0)])
    #expect(try keeper.begin(record))
    #expect(try keeper.record() == record)
    #expect(try !keeper.begin(ProjectionRecord(owner: owner, epoch: 1)))
    #expect(try keeper.record() == record)
    let next = ProjectionRecord(owner: owner, epoch: 9)
    #expect(try !keeper.replace(epoch: nil, by: next))
    #expect(try !keeper.replace(epoch: 3, by: next))
    #expect(try keeper.record() == record)
    #expect(try keeper.replace(epoch: .max, by: next))
    #expect(try keeper.record() == next)
  }

  @Test func recordOfAnotherFormatIsRefused() throws {
    let key = ProjectionRecord.key(project: "movies")
    _ = try RedisConnection(server.configuration).call(["HSET", key, "format", "2"])
    let error = #expect(throws: RedisError.self) { try keeper.record() }
    #expect(error?.condition == .unknownRecord)
  }

  @Test func writeMovesPositionsOnceAllRowsAreThere() throws {
    var permit = try server.makePermit()
    permit.advances = [.init(partition: "f[0]", from: nil, to: position(6))]
    #expect(try writer.write(batch(0..<5), by: permit).written == 5)
    #expect(try keeper.record()?.positions == ["f[0]": position(6)])
    // The answer was lost: the same call again.
    #expect(try writer.write(batch(0..<5), by: permit).fenced == 5)
    permit.advances = [.init(partition: "f[0]", from: position(6), to: position(9))]
    #expect(try writer.write(batch(0..<0), by: permit) == .init())
    #expect(try keeper.record()?.positions == ["f[0]": position(9)])
  }

  @Test func writeIsRefusedWhereTheRecordDiffers() throws {
    let permit = try server.makePermit()
    var other = permit
    other.advances = [.init(partition: "f[0]", from: position(2), to: position(3))]
    func refusal(_ permit: ProjectionPermit) -> ProjectionRefusal? {
      let error = #expect(throws: RedisError.self) { try writer.write(batch(0..<1), by: permit) }
      return error?.refusal
    }
    #expect(refusal(other) == .moved)
    for (application, cluster, epoch) in [("b", "c", 1), ("test", "d", 1), ("test", "c", 2)] {
      let owner = ProjectionRecord.Owner(application: application, cluster: cluster)
      #expect(
        refusal(.init(project: "movies", owner: owner, epoch: UInt64(epoch))) == .claimed)
    }
    #expect(try rows().isEmpty)
    _ = try RedisConnection(server.configuration).call(["FLUSHALL"])
    #expect(refusal(permit) == .missing)
    #expect(try rows().isEmpty)
  }

  @Test func scanFindsTheRowsOfOneProject() throws {
    let permit = try server.makePermit()
    let others = try server.makePermit(project: "my_movies")
    _ = try writer.write(batch(0..<1200), by: permit)
    _ = try writer.write(batch(0..<3, project: "my_movies"), by: others)
    var delete = FeatureBatch(views: [Self.view])
    var key: [UInt8] = []
    Self.layout.key.append(3, to: &key)
    delete.delete(view: 0, key: key.span.bytes, fence: Fence(generation: 1, offset: 8))
    _ = try writer.write(delete, by: permit)
    let rows = try rows()
    #expect(rows.map(\.entity) == Array(0..<1200))
    #expect(
      rows[2] == .init(entity: 2, fence: Fence(generation: 1, offset: 5), eventTime: 1002))
    #expect(rows[3] == .init(entity: 3, fence: Fence(generation: 1, offset: 8), eventTime: nil))
  }

  @Test func sweepRemovesRowsOfEarlierEpochsOnly() throws {
    let first = try server.makePermit()
    _ = try writer.write(batch(0..<10, offset: 1 << 40), by: first)
    let record = ProjectionRecord(owner: first.owner, epoch: 2, hasLeftovers: true)
    #expect(try keeper.replace(epoch: 1, by: record))
    let second = ProjectionPermit(project: "movies", owner: first.owner, epoch: 2)
    #expect(try writer.write(batch(4..<6, epoch: 2, offset: 0), by: second).written == 2)
    // A view of somebody else shares the hash.
    var key: [UInt8] = []
    Self.layout.key.append(9, to: &key)
    let connection = try RedisConnection(server.configuration)
    var command = RedisCommand()
    for argument in [Array("HSET".utf8), key, Array("_ts:theirs".utf8), [1]] {
      command.append(copying: argument)
    }
    _ = try connection.call(&command)
    var removed = 0
    #expect(throws: RedisError.self) {
      try keeper.sweep(Self.layout, from: .init(), first, removed: &removed)
    }
    var cursor: ProjectionKeeper.Cursor? = .init()
    while let from = cursor {
      cursor = try keeper.sweep(Self.layout, from: from, second, removed: &removed)
    }
    #expect(removed == 8)
    #expect(try rows().map(\.entity) == [4, 5])
    #expect(try connection.call(["DBSIZE"]).integer == 4)
    try keeper.endSweep(second)
    #expect(try keeper.record()?.hasLeftovers == false)
  }

  @Test(arguments: FeastKey.Version.allCases)
  func keysAreReadBack(version: FeastKey.Version) {
    let key = FeastKey(project: "a*b[", joinKeys: ["user_id"], version: version)
    for value in [0, 1, 255, 1 << 40, .max, -1] as [Int64] {
      var bytes: [UInt8] = []
      key.append(value, to: &bytes)
      #expect(key.int64(of: bytes) == value)
      #expect(key.int64(of: Array(bytes.dropLast())) == nil)
      #expect(key.int64(of: [1] + bytes) == nil)
      let other = FeastKey(project: "a*b[", joinKeys: ["movie_id"], version: version)
      #expect(other.int64(of: bytes) == nil)
    }
  }

  @Test func markTellsRecordsApart() {
    func mark(_ key: [UInt8]?, _ value: [UInt8]?) -> RecordMark {
      RecordMark(offset: 1, timestamp: 2, key: key?.span.bytes, value: value?.span.bytes)
    }
    let marks = [
      mark([1], [2]), mark([2], [1]), mark(nil, [1, 2]), mark([1, 2], nil), mark([], [1, 2]),
      mark([1, 2], []), mark(nil, nil),
    ]
    #expect(Set(marks).count == marks.count)
    #expect(mark([1], [2]) == marks[0])
    for mark in marks {
      let position = ProjectionPosition(next: 2, last: mark)
      #expect(ProjectionPosition(position.text) == position)
    }
    #expect(ProjectionPosition("5") == ProjectionPosition(next: 5))
    #expect(ProjectionPosition("5:1") == nil)
  }
}
