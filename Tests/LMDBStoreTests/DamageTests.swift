import Glibc
import StateStore
import Testing

@testable import LMDBStore

/// What damage to a store's files the next opening detects.
@Suite struct DamageTests {
  let directory: TemporaryDirectory
  let storage: LMDBStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = LMDBStorage(root: directory.path)
    try write()
  }

  private var storePath: String { "\(directory.path)/user/0" }
  private var file: String { "\(storePath)/data.mdb" }

  private func open() throws -> LMDBStore {
    try storage.open(stage: "user", partition: 0, tables: tables)
  }

  /// A store with branches, large values and free pages.
  private func write() throws {
    let store = try open()
    for round in 0..<4 as Range<UInt8> {
      try store.commit(offset: Int64(round) + 1) { writes in
        for high in 0..<20 as Range<UInt8> {
          for low in 0..<100 as Range<UInt8> {
            writes.put(ratings, [high, low], [UInt8](repeating: round, count: 60))
          }
          writes.put(users, [high], [UInt8](repeating: high, count: 9_000))
        }
      }
    }
    try store.close()
  }

  /// The file's pages of one kind.
  private func pages(_ kind: UInt16) throws -> [Int] {
    let handle = Glibc.open(file, O_RDONLY)
    defer { close(handle) }
    let count = FileSystem.size(of: file) / 4096
    return try (0..<count).filter {
      let page = try Page(handle, file, number: UInt64($0), size: 4096)
      return page.number == UInt64($0) && page.kind == kind
    }
  }

  private func overwrite(_ bytes: [UInt8], at offset: Int) {
    let handle = Glibc.open(file, O_WRONLY)
    defer { close(handle) }
    #expect(pwrite(handle, bytes, bytes.count, offset) == bytes.count)
  }

  private func check(_ storage: LMDBStorage? = nil) throws {
    try (storage ?? self.storage).openReadOnly(stage: "user", partition: 0).check()
  }

  @Test func wholeStorePassesTheFullCheck() throws {
    try check()
    let reader = try storage.openReadOnly(stage: "user", partition: 0)
    #expect(try reader.statistics().freePages > 0)
    #expect(try reader.statistics().tables.map(\.depth).max() ?? 0 > 1)
  }

  @Test func checkRunsDuringWrites() throws {
    let store = try open()
    for offset in Int64(10)..<20 {
      try store.commit(offset: offset) { $0.put(ratings, [1, UInt8(offset)], [9]) }
      try check()
    }
  }

  /// No byte of the pages that locate others may end the process: the opening refuses, or
  /// what is read is a commit. That may be the one before, where it is the newest meta page's
  /// number that is lost. Pages that no tree uses may hold anything.
  @Test(arguments: UInt64(0)..<20) func flippedByteNeverCrashesTheOpening(seed: UInt64) throws {
    var random = SeededGenerator(state: seed)
    let structural = try pages(Page.branch) + [0, 1]
    let page = try #require(structural.randomElement(using: &random))
    let offset = page * 4096 + Int.random(in: 0..<200, using: &random)
    overwrite([UInt8.random(in: .min ... .max, using: &random)], at: offset)
    do {
      let store = try open()
      let offset = try #require(try store.snapshot().changelogOffset())
      let expected = [UInt8](repeating: UInt8(offset - 1), count: 60)
      #expect(
        try store.snapshot().entries(ratings).map(\.value)
          == Array(repeating: expected, count: 2_000))
      try check()
    } catch let error as StoreError {
      #expect(error.remedy == .rebuild, "\(error)")
      #expect(error.message.contains(storePath))
      try storage.destroy(stage: "user", partition: 0)
      #expect(try open().changelogOffset() == nil)
    }
  }

  @Test func branchThatPointsAstrayIsRefusedAtTheOpening() throws {
    let handle = Glibc.open(file, O_RDONLY)
    defer { close(handle) }
    // No tree uses some of them any more.
    for branch in try pages(Page.branch) {
      // The first node's page number, at the offset that the page's first pointer names.
      let page = try Page(handle, file, number: UInt64(branch), size: 4096)
      overwrite([0xFF, 0xFF, 0x0F], at: branch * 4096 + Int(page.integer(UInt16.self, at: 16)))
    }
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .rebuild)
    #expect(error?.message.contains("is beyond the last one") == true)
  }

  /// Where the file holds the length of a list of free pages.
  private func freeListOffset() throws -> Int {
    let handle = Glibc.open(file, O_RDONLY)
    defer { close(handle) }
    let metas = try (0..<2 as Range<UInt64>).map {
      MetaPage(try Page(handle, file, number: $0, size: 4096))
    }
    let root = try #require(metas.max { $0.transaction < $1.transaction }).free.root
    let page = try Page(handle, file, number: root, size: 4096)
    let first = page.node(0, isLeaf: true)
    let node = try #require(first)
    #expect(!node.isElsewhere)
    return Int(root) * 4096 + node.value.lowerBound
  }

  /// A commit that has used up its free pages may leave such a list.
  @Test func emptyListOfFreePagesIsWhole() throws {
    overwrite(UInt64(0).bytes, at: try freeListOffset())
    try check()
    #expect(try open().changelogOffset() == 4)
  }

  @Test(arguments: [UInt64(1_000), .max]) func listOfFreePagesThatEndsEarlyIsRefused(
    length: UInt64
  ) throws {
    overwrite(length.bytes, at: try freeListOffset())
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .rebuild)
    #expect(error?.message.contains("an inconsistent list of free pages") == true)
  }

  @Test func damagedLeafIsFoundByTheFullCheck() throws {
    let reader = try storage.openReadOnly(stage: "user", partition: 0)
    var inUse: Int?
    for leaf in try pages(Page.leaf) {
      overwrite([0xFF, 0xFF], at: leaf * 4096 + 16)
      let error: StoreError?
      do throws(StoreError) {
        try reader.check()
        error = nil
      } catch let failure { error = failure }
      if let error {
        #expect(error.remedy == .rebuild)
        inUse = leaf
        break
      }
    }
    #expect(inUse != nil)
  }

  @Test func overwrittenMetaPagesAreRefused() throws {
    overwrite([UInt8](repeating: 0, count: 8192), at: 0)
    let error = #expect(throws: StoreError.self) { try open() }
    #expect(error?.remedy == .rebuild)
  }

  @Test func deletedDirectoryIsAnEmptyStore() throws {
    try storage.destroy(stage: "user", partition: 0)
    #expect(try open().changelogOffset() == nil)
  }

  @Test func directoryDeletedUnderAnOpenStoreIsNoErrorAtItsClose() throws {
    let store = try open()
    try FileSystem.removeDirectory(storePath)
    try store.close()
    #expect(try FileSystem.names(in: storePath).isEmpty)
    #expect(try open().changelogOffset() == nil)
  }

  @Test func olderCopyStandsForItsOwnOffset() throws {
    let copy = LMDBStorage(root: directory.path + "/copy")
    try storage.copy(stage: "user", partition: 0, to: copy.root)
    let store = try open()
    try store.commit(offset: 50) { $0.put(users, [99], [1]) }
    try store.close()
    try storage.install(from: copy, stage: "user", partition: 0, replaces: true)
    #expect(try open().changelogOffset() == 4)
  }

  @Test func aFullDiskIsSomethingToWaitFor() {
    for code in [ENOSPC, EDQUOT] {
      let error = LMDBFailure.error(code, "commit to", "/state/user/0")
      #expect(error.remedy == .wait)
      #expect(error.message.contains("make room"))
    }
    // With room on the disk, the disk itself fails.
    #expect(LMDBFailure.error(EIO, "commit to", directory.path).remedy == .stop)
    errno = ENOSPC
    #expect(LMDBFailure.system("write", "/state/mark").remedy == .wait)
  }

  @Test func missingRightsAreNamed() {
    let error = LMDBFailure.error(EACCES, "open", "/state/user/0")
    #expect(error.remedy == .stop)
    #expect(error.message.contains("must own the directory"))
  }
}

extension UInt64 {
  fileprivate var bytes: [UInt8] { withUnsafeBytes(of: self) { [UInt8]($0) } }
}
