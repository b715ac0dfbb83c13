import StateStore
import Testing

@testable import LMDBStore

/// The stores that this process has open.
@Suite struct OpenStoreTests {
  let directory: TemporaryDirectory
  let storage: LMDBStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = LMDBStorage(root: directory.path + "/state/app")
  }

  private var places: [String] {
    storage.openStores().map { "\($0.stage)/\($0.partition)" }
  }

  @Test func openStoresAreListed() throws {
    #expect(places.isEmpty)
    do {
      let user = try storage.open(stage: "user", partition: 11, tables: tables)
      let other = try storage.open(stage: "user", partition: 2, tables: tables)
      let movie = try storage.open(stage: "movie", partition: 0, tables: tables)
      let elsewhere = try LMDBStorage(root: directory.path + "/state/app2")
        .open(stage: "user", partition: 5, tables: tables)
      #expect(places == ["movie/0", "user/2", "user/11"])
      for store in [user, other, movie, elsewhere] { try store.close() }
    }
    #expect(places.isEmpty, "a store that is closed and dropped")
  }

  @Test func theOldestReaderHoldsPages() throws {
    let store = try storage.open(stage: "user", partition: 0, tables: tables)
    func commit(_ offset: Int64) throws {
      try store.commit(offset: offset) { $0.put(users, [1], [UInt8(offset)]) }
    }
    try commit(1)
    #expect(try store.statistics().oldestReaderCommits == 0, "nobody reads")
    let old = try store.snapshot()
    for offset in Int64(2)...4 { try commit(offset) }
    let new = try store.snapshot()
    #expect(try store.statistics().oldestReaderCommits == 3)
    old.release()
    #expect(try store.statistics().oldestReaderCommits == 0)
    try commit(5)
    #expect(try store.statistics().oldestReaderCommits == 1)
    new.release()
  }

  @Test func readersAreReadFromText() {
    #expect(ReaderTable.commits(in: "(no readers)\n") == [])
    #expect(ReaderTable.commits(in: "(no active readers)\n") == [])
    let text = """
          pid     thread     txnid
           71 7f00aa00 1234
           72 7f00aa01 -
           73 7f00aa02 17

      """
    #expect(ReaderTable.commits(in: text) == [1_234, 17])
  }
}
