import Glibc
import StateStore
import Testing

@testable import LMDBStore

@Suite struct CopyTests {
  let directory: TemporaryDirectory
  let storage: LMDBStorage
  let copies: LMDBStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = LMDBStorage(root: "\(directory.path)/state")
    copies = LMDBStorage(root: "\(directory.path)/copies")
  }

  private func open(_ storage: LMDBStorage) throws -> LMDBStore {
    try storage.open(stage: "user", partition: 0, tables: tables)
  }

  /// One commit: every key holds the commit's number.
  private static func commit(_ number: Int64, to store: LMDBStore) throws {
    try store.commit(offset: number) { writes in
      for key in 0..<200 as Range<UInt8> {
        writes.put(ratings, [key], number.bigEndianBytes + [UInt8](repeating: key, count: 200))
      }
    }
  }

  @Test func copyTakenInTheMiddleOfWritesIsOneCommit() throws {
    let store = try open(storage)
    try Self.commit(1, to: store)
    try whileCommitting(from: 2, least: 19, commit: { try Self.commit($0, to: store) }) {
      for round in 0..<5 {
        let copy = LMDBStorage(root: "\(directory.path)/copy\(round)")
        var described: Int64?
        try storage.copy(stage: "user", partition: 0, to: copy.root) {
          (_, copied) throws(StoreError) in
          described = try copied.changelogOffset()
        }
        #expect(try copy.condition(stage: "user", partition: 0) == .closed)
        let reader = try copy.openReadOnly(stage: "user", partition: 0)
        try reader.check()
        let snapshot = try reader.snapshot()
        let offset = try #require(try snapshot.changelogOffset())
        #expect(offset == described)
        let entries = try snapshot.entries(ratings)
        #expect(entries.count == 200)
        #expect(entries.allSatisfy { $0.value.starts(with: offset.bigEndianBytes) })
      }
    }
  }

  @Test func copyCountsAsAWholeStore() throws {
    let store = try open(storage)
    try Self.commit(7, to: store)
    try storage.copy(stage: "user", partition: 0, to: copies.root)
    try store.close()
    try storage.destroy(stage: "user", partition: 0)
    try storage.install(from: copies, stage: "user", partition: 0, replaces: false)
    let restored = try open(storage)
    #expect(try restored.changelogOffset() == 7)
    try Self.commit(8, to: restored)
    #expect(try restored.snapshot().entries(ratings).count == 200)
  }

  @Test func nothingIsOverwrittenUnlessRequested() throws {
    let store = try open(storage)
    try Self.commit(1, to: store)
    try storage.copy(stage: "user", partition: 0, to: copies.root)
    let second = #expect(throws: StoreError.self) {
      try storage.copy(stage: "user", partition: 0, to: copies.root)
    }
    #expect(second?.message.contains("exists") == true)
    try Self.commit(2, to: store)
    try store.close()
    let install = #expect(throws: StoreError.self) {
      try storage.install(from: copies, stage: "user", partition: 0, replaces: false)
    }
    #expect(install?.message.contains("already") == true)
    #expect(try storage.openReadOnly(stage: "user", partition: 0).snapshot().changelogOffset() == 2)
  }

  @Test func failedCopyLeavesNothingBehind() throws {
    let store = try open(storage)
    try Self.commit(1, to: store)
    let failure = StoreError("no", remedy: .stop)
    #expect(throws: failure) {
      try storage.copy(stage: "user", partition: 0, to: copies.root) { (_, _) throws(StoreError) in
        throw failure
      }
    }
    #expect(try FileSystem.names(in: "\(copies.root)/user").isEmpty)
    #expect(try copies.partitions(stage: "user").isEmpty)
  }

  @Test func damagedCopyIsRefused() throws {
    let store = try open(storage)
    try Self.commit(1, to: store)
    try storage.copy(stage: "user", partition: 0, to: copies.root)
    let file = "\(copies.root)/user/0/data.mdb"
    #expect(truncate(file, FileSystem.size(of: file) - 4096) == 0)
    let error = #expect(throws: StoreError.self) {
      try storage.install(from: copies, stage: "user", partition: 0, replaces: true)
    }
    #expect(error?.remedy == .rebuild)
    #expect(try store.changelogOffset() == 1)
  }
}
