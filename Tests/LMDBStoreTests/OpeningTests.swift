import Glibc
import StateStore
import Testing

@testable import LMDBStore

@Suite struct OpeningTests {
  let directory: TemporaryDirectory
  let storage: LMDBStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = LMDBStorage(root: directory.path)
  }

  private var storePath: String { "\(directory.path)/user/0" }

  private func open(_ storage: LMDBStorage? = nil) throws -> LMDBStore {
    try (storage ?? self.storage).open(stage: "user", partition: 0, tables: tables)
  }

  /// Writes some pages and releases the store, cleanly closed or not.
  private func writeStore(close: Bool) throws {
    let store = try open()
    try store.commit(offset: 7) { writes in
      for key in 0..<100 as Range<UInt8> {
        writes.put(ratings, [key], [UInt8](repeating: key, count: 150))
      }
    }
    if close { try store.close() }
  }

  @Test func directoriesAndFilesArePrivate() throws {
    try writeStore(close: false)
    for (name, mode) in [("", 0o700), ("/data.mdb", 0o600), ("/mark", 0o600)] as [(String, UInt32)]
    {
      var status = stat()
      #expect(stat(storePath + name, &status) == 0)
      #expect(status.st_mode & 0o777 == mode)
    }
  }

  @Test func storeOfAKilledProcessIsWhole() throws {
    try writeStore(close: false)
    #expect(try open().changelogOffset() == 7)
  }

  @Test func storeOpenAtAPowerFailureIsRefused() throws {
    try writeStore(close: false)
    try FileSystem.replace("mark", in: storePath, with: "open 0123-another-boot")
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .rebuild)
    #expect(error?.message.contains(storePath) == true)
    let readOnly = #expect(throws: StoreError.self) {
      try storage.openReadOnly(stage: "user", partition: 0)
    }
    #expect(readOnly?.remedy == .rebuild)
    try storage.destroy(stage: "user", partition: 0)
    #expect(try open().changelogOffset() == nil)
  }

  @Test func cleanlyClosedStoreSurvivesAnyBoot() throws {
    try writeStore(close: true)
    #expect(try FileSystem.read("\(storePath)/mark") == "closed")
    #expect(try open().changelogOffset() == 7)
    #expect(try FileSystem.read("\(storePath)/mark")?.hasPrefix("open ") == true)
  }

  @Test func storeWithoutMarkIsRefused() throws {
    try writeStore(close: true)
    unlink("\(storePath)/mark")
    #expect(throws: StoreError.self) { try open() }
  }

  @Test(arguments: [1, 4096, 5000, 8192, 20_000])
  func truncatedFileIsRefused(length: Int) throws {
    try writeStore(close: true)
    #expect(FileSystem.size(of: "\(storePath)/data.mdb") > length)
    #expect(truncate("\(storePath)/data.mdb", length) == 0)
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .rebuild)
  }

  @Test func foreignFileIsRefused() throws {
    try FileSystem.createDirectories(storePath)
    try DurabilityMark.setClosed(storePath)
    let garbage = String(repeating: "x", count: 20_000)
    try FileSystem.replace("data.mdb", in: storePath, with: garbage)
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .rebuild)
  }

  @Test func unknownFormatVersionIsRefusedAndKept() throws {
    let newer = LMDBStorage(root: directory.path, mapBytes: 1 << 20, version: 9)
    try open(newer).close()
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .stop)
    #expect(error?.message.contains("format version 9") == true)
    _ = try open(newer)
  }

  @Test func tablesMayBeAddedButNotChanged() throws {
    try writeStore(close: true)
    let error = #expect(throws: StoreError.self) {
      try storage.open(stage: "user", partition: 0, tables: ["ratings", "users"])
    }
    #expect(error?.remedy == .stop)
    let more = try storage.open(stage: "user", partition: 0, tables: tables + ["genres"])
    try more.commit(offset: 8) { $0.put(Table(rawValue: 3), [1], [1]) }
    #expect(try more.snapshot().entries(ratings).count == 100)
    #expect(try more.snapshot().entries(Table(rawValue: 3)).count == 1)
  }

  @Test func secondWriterOfTheProcessIsRefused() throws {
    let first = try open()
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.message.contains("already open") == true)
    try first.close()
    #expect(throws: Never.self) { try open() }
  }

  @Test func droppedStoreLetsAnotherWriterIn() throws {
    let reader: LMDBReader
    do {
      let store = try open()
      try store.commit(offset: 1) { $0.put(users, [1], [1]) }
      reader = try storage.openReadOnly(stage: "user", partition: 0)
    }
    let store = try open()
    try store.commit(offset: 2) { $0.put(users, [2], [2]) }
    #expect(reader.tables == tables)
    #expect(try reader.snapshot().entries(users).count == 2)
  }

  @Test func readerNeedsAStore() throws {
    let error = #expect(throws: StoreError.self) {
      try storage.openReadOnly(stage: "user", partition: 4)
    }
    #expect(error?.message.contains("no store") == true)
  }

  @Test func readerOpensAStoreNobodyWrites() throws {
    try writeStore(close: true)
    let reader = try storage.openReadOnly(stage: "user", partition: 0)
    #expect(try reader.snapshot().changelogOffset() == 7)
    #expect(try reader.statistics().entries.map(\.count) == [0, 100])
    #expect(throws: StoreError.self) { try open() }
    #expect(try FileSystem.read("\(storePath)/mark") == "closed")
  }

  @Test func secondInstanceLearnsWhoHoldsTheLock() throws {
    var lock: RootLock? = try storage.lock()
    let error = #expect(throws: RootLockError.self) { try storage.lock() }
    guard case .held(let message) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(message.contains("process \(getpid())"))
    #expect(message.contains(directory.path))
    _ = consume lock
    lock = nil
    _ = try storage.lock()
  }

  @Test func aLockThatCantBeWrittenIsHeldByNobody() throws {
    try FileSystem.createDirectories("\(directory.path)/lock")
    let error = #expect(throws: RootLockError.self) { try storage.lock() }
    guard case .store(let cause) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(cause.message.contains("lock"))
  }
}
