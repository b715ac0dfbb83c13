import Glibc
import StateStore
import Testing

@testable import LMDBStore

@Suite struct LMDBStoreTests {
  let directory: TemporaryDirectory
  let storage: LMDBStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = LMDBStorage(root: directory.path + "/state/app")
  }

  private func open(_ partition: Int32 = 0) throws -> LMDBStore {
    try storage.open(stage: "user", partition: partition, tables: tables)
  }

  @Test func newStoreIsEmpty() throws {
    let store = try open()
    #expect(try store.changelogOffset() == nil)
    for table in [Table.meta, users, ratings] {
      #expect(try store.snapshot().entries(table).isEmpty)
    }
  }

  /// What is written to a file without a name is lost when the process ends.
  @Test func aRemovedStoreTakesNoCommit() throws {
    let store = try open()
    var writes = WriteSet()
    writes.put(users, [1], [1])
    try store.commit(&writes, changelogOffset: 1)
    #expect(unlink("\(storage.root)/user/0/data.mdb") == 0)
    writes.put(users, [2], [2])
    #expect {
      try store.commit(&writes, changelogOffset: 2)
    } throws: { error in
      let error = error as? StoreError
      return error?.remedy == .rebuild && error?.message.contains("was removed") == true
    }
    try storage.destroy(stage: "user", partition: 0)
    #expect(try open().changelogOffset() == nil)
  }

  /// The last commit's number.
  private func transaction(_ partition: Int32) throws -> Int {
    let environment = try EnvironmentRegistry.leaseReadOnly(
      "\(storage.root)/user/\(partition)", options: try storage.options(isReadOnly: true)
    ).environment
    return try Transaction(environment.handle, environment.path, isReadOnly: true).id
  }

  /// A commit in parts has the effect of a commit, and no part changes many pages.
  @Test(arguments: [1, 7, 1_000])
  func commitInPartsIsACommit(pages: Int) throws {
    var generator = SeededGenerator(state: UInt64(pages))
    var writes = WriteSet()
    for _ in 0..<500 {
      writes.put(
        Table(rawValue: UInt8.random(in: 1...2, using: &generator)), generator.bytes(1...3),
        generator.bytes(0...150))
    }
    writes.put(users, [9, 9, 9, 9], [UInt8](repeating: 1, count: 20_000))
    var same = writes
    let (parts, whole) = (try open(0), try open(1))
    let before = try transaction(0)
    try parts.commitInParts(&writes, changelogOffset: 7, pages: pages)
    try whole.commit(&same, changelogOffset: 7)
    let transactions = try transaction(0) - before
    #expect(pages == 1_000 ? transactions == 1 : transactions >= 400 / pages)
    #expect(try parts.changelogOffset() == 7)
    for table in [users, ratings] {
      #expect(try parts.snapshot().entries(table) == whole.snapshot().entries(table))
    }
    var nothing = WriteSet()
    try parts.commitInParts(&nothing, changelogOffset: 9, pages: pages)
    #expect(try parts.changelogOffset() == 9)
  }

  /// One commit in many parts: every key holds the commit's number.
  private static func commitInParts(_ number: Int64, to store: LMDBStore) throws {
    var writes = WriteSet()
    for key in 0..<200 as Range<UInt8> { writes.put(ratings, [key], number.bigEndianBytes) }
    try store.commitInParts(&writes, changelogOffset: number, pages: 20)
  }

  @Test func viewsTakenInTheMiddleOfCommitsInPartsAreOfOneCommit() throws {
    let store = try open()
    try Self.commitInParts(1, to: store)
    try whileCommitting(from: 2, commit: { try Self.commitInParts($0, to: store) }) {
      let snapshot = try store.snapshot()
      var seen: Set<Int64> = []
      let deadline = ContinuousClock.now + .seconds(30)
      while seen.count < 50 {
        try #require(ContinuousClock.now < deadline, "only \(seen.count) commits were seen")
        try snapshot.renew()
        let offset = try #require(try snapshot.changelogOffset())
        let values = Set(try snapshot.entries(ratings).map(\.value))
        #expect(values == [offset.bigEndianBytes])
        seen.insert(offset)
        snapshot.release()
      }
    }
  }

  @Test func aCommitInPartsThatIsCutShortHidesTheStoreUntilItIsFinished() throws {
    let small = LMDBStorage(root: directory.path + "/small", mapBytes: 512 << 10)
    let store = try small.open(stage: "user", partition: 0, tables: tables)
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    let reader = try small.openReadOnly(stage: "user", partition: 0)
    #expect(try !store.isUnfinished())
    var writes = WriteSet()
    for key in 0..<200 as Range<UInt8> {
      writes.put(ratings, [key], [UInt8](repeating: 0, count: 3_900))
    }
    let error = #expect(throws: StoreError.self) {
      try store.commitInParts(&writes, changelogOffset: 2, pages: 8)
    }
    #expect(error?.remedy == .stop)
    #expect(try store.isUnfinished())
    #expect(try store.changelogOffset() == 1)
    let hidden = #expect(throws: StoreError.self) { try store.snapshot() }
    #expect(hidden?.remedy == .wait)
    let refused = #expect(throws: StoreError.self) {
      try small.copy(stage: "user", partition: 0, to: directory.path + "/copy")
    }
    #expect(refused?.remedy == .wait)

    var rest = WriteSet()
    for key in 0..<200 as Range<UInt8> { rest.put(ratings, [key], [key]) }
    try store.commitInParts(&rest, changelogOffset: 2, pages: 8)
    #expect(try !store.isUnfinished())
    #expect(try store.changelogOffset() == 2)
    #expect(try reader.snapshot().entries(ratings).map(\.value) == (0..<200).map { [$0] })
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func randomBatchesEqualDictionary(seed: UInt64) throws {
    var generator = SeededGenerator(state: seed)
    var oracle: [Table: [[UInt8]: [UInt8]]] = [.meta: [:], users: [:], ratings: [:]]
    var store = try open()
    var offset: Int64 = 0
    for batch in 0..<40 {
      try store.commit(offset: offset + 1) { writes in
        for _ in 0..<Int.random(in: 0...300, using: &generator) {
          let table = Table(rawValue: UInt8.random(in: 0...2, using: &generator))
          var key = generator.bytes(1...12, below: 4)
          if table == .meta { key.insert(7, at: 0) }
          if Int.random(in: 0..<3, using: &generator) == 0 {
            writes.delete(table, key)
            oracle[table]?[key] = nil
          } else {
            let value = generator.bytes(0...150)
            writes.put(table, key, value)
            oracle[table]?[key] = value
          }
        }
      }
      offset += 1
      if batch % 7 == 3 {
        if batch % 2 == 0 { try store.close() }
        store = try reopen(&store)
      }
      let snapshot = try store.snapshot()
      #expect(try snapshot.changelogOffset() == offset)
      for (table, content) in oracle {
        let expected = content.map { Entry(key: $0, value: $1) }
          .sorted { isBefore($0.key, $1.key) }
        #expect(try snapshot.entries(table) == expected)
        let prefix = generator.bytes(1...3, below: 4)
        let below = expected.filter { $0.key.starts(with: prefix) }
        #expect(try snapshot.entries(table, prefix: prefix) == below)
        let key = generator.bytes(1...4, below: 4)
        if table != .meta { #expect(try snapshot.value(table, key) == content[key]) }
      }
    }
  }

  /// Releases the store first, because a second writer is refused.
  private func reopen(_ store: inout LMDBStore) throws -> LMDBStore {
    let other = try LMDBStorage(root: directory.path + "/other").open(
      stage: "user", partition: 0, tables: tables)
    store = other
    return try open()
  }

  @Test func snapshotSeesOneCommitUntilRenewed() throws {
    let store = try open()
    try store.commit(offset: 1) { $0.put(users, [1], [10]) }
    let snapshot = try store.snapshot()
    #expect(try snapshot.entries(users).count == 1)
    try store.commit(offset: 2) {
      $0.put(users, [1], [11])
      $0.put(users, [2], [20])
    }
    #expect(try snapshot.value(users, [1]) == [10])
    #expect(try snapshot.entries(users).count == 1)
    #expect(try snapshot.changelogOffset() == 1)
    try snapshot.renew()
    #expect(try snapshot.value(users, [1]) == [11])
    #expect(try snapshot.entries(users).count == 2)
    #expect(try snapshot.changelogOffset() == 2)
  }

  @Test func scanStopsWhenTheBodyReturnsFalse() throws {
    let store = try open()
    try store.commit(offset: 1) { writes in
      for key in 0..<9 as Range<UInt8> { writes.put(users, [5, key], [key]) }
    }
    var seen = 0
    let prefix: [UInt8] = [5]
    try store.snapshot().scan(users, prefix: prefix.span.bytes) { _, _ in
      seen += 1
      return seen < 4
    }
    #expect(seen == 4)
  }

  @Test func prefixOfAllOnesHasNoSuccessor() throws {
    let store = try open()
    try store.commit(offset: 1) {
      $0.put(users, [0xff, 0xff], [1])
      $0.put(users, [0xff, 0xff, 0xff], [2])
      $0.put(users, [0xfe], [3])
    }
    #expect(try store.snapshot().entries(users, prefix: [0xff, 0xff]).count == 2)
  }

  @Test func failedCommitChangesNothing() throws {
    let store = try open()
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    let tooLong = [UInt8](repeating: 1, count: 512)
    let error = #expect(throws: StoreError.self) {
      try store.commit(offset: 2) {
        $0.put(users, [0], [0])
        $0.put(users, tooLong, [1])
      }
    }
    #expect(error?.remedy == .stop)
    #expect(try store.changelogOffset() == 1)
    #expect(try store.snapshot().entries(users) == [Entry(key: [1], value: [1])])
  }

  /// A changelog that someone else writes to can name any table.
  @Test func aTableThatIsNotThereIsAnErrorThatNamesIt() throws {
    let store = try open()
    let error = #expect(throws: StoreError.self) {
      try store.commit(offset: 1) { $0.put(Table(rawValue: 49), [1], [2]) }
    }
    #expect(error?.remedy == .stop && error?.message.contains("table 49") == true)
    #expect(try store.changelogOffset() == nil)
  }

  @Test func fullMapStopsAndKeepsTheState() throws {
    let small = LMDBStorage(root: directory.path + "/small", mapBytes: 256 << 10)
    let store = try small.open(stage: "user", partition: 0, tables: tables)
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    let error = #expect(throws: StoreError.self) {
      try store.commit(offset: 2) { writes in
        for key in 0..<200 as Range<UInt8> {
          writes.put(ratings, [key], [UInt8](repeating: 0, count: 4000))
        }
      }
    }
    #expect(error?.remedy == .stop)
    #expect(try store.changelogOffset() == 1)
    try store.commit(offset: 2) { $0.put(users, [2], [2]) }
    #expect(try store.snapshot().entries(users).count == 2)
  }

  @Test func nothingIsUsableAfterClose() throws {
    let store = try open()
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    let snapshot = try store.snapshot()
    try store.close()
    try store.close()
    #expect(throws: StoreError.self) { try store.snapshot() }
    #expect(throws: StoreError.self) { try store.changelogOffset() }
    #expect(throws: StoreError.self) { try store.commit(offset: 2) { _ in } }
    #expect(try snapshot.value(users, [1]) == [1])
    let again = try open()
    try again.commit(offset: 2) { $0.put(users, [1], [2]) }
    #expect(try snapshot.value(users, [1]) == [1])
    try snapshot.renew()
    #expect(try snapshot.value(users, [1]) == [2])
  }

  @Test func destroyedStoreStartsEmptyWhileOldSnapshotsLive() throws {
    let store = try open()
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    let snapshot = try store.snapshot()
    try storage.destroy(stage: "user", partition: 0)
    let fresh = try open()
    #expect(try fresh.changelogOffset() == nil)
    try fresh.commit(offset: 5) { $0.put(users, [3], [3]) }
    try store.close()
    #expect(try snapshot.entries(users) == [Entry(key: [1], value: [1])])
    #expect(try fresh.snapshot().entries(users) == [Entry(key: [3], value: [3])])
    #expect(
      try FileSystem.read("\(storage.root)/user/0/mark")?.hasPrefix("open") == true)
    try storage.destroy(stage: "user", partition: 9)
  }

  @Test func statisticsCountEntriesAndPages() throws {
    let store = try open(3)
    try store.commit(offset: 1) { writes in
      for key in 0..<200 as Range<UInt8> { writes.put(ratings, [1, key], [1]) }
      writes.put(users, [1], [1])
    }
    let statistics = try store.statistics()
    #expect(statistics.entries.map(\.name) == tables)
    #expect(statistics.entries.map(\.count) == [1, 200])
    #expect(statistics.usedBytes >= 3 * 4096)
    #expect(statistics.fileBytes >= statistics.usedBytes)
    #expect(statistics.mapBytes == storage.mapBytes)
    _ = try open(11)
    #expect(try storage.partitions(stage: "user") == [3, 11])
    #expect(try storage.partitions(stage: "movie").isEmpty)
  }
}
