import Glibc
import StateStore
import Testing

@testable import LMDBStore

/// A disk that is really full: a small file system, if the user may mount one.
@Suite struct FullDiskTests {
  private final class SmallDisk {
    let directory: TemporaryDirectory

    init?(bytes: Int) throws {
      directory = try TemporaryDirectory()
      guard mount("tmpfs", directory.path, "tmpfs", 0, "size=\(bytes)") == 0 else { return nil }
    }

    deinit { umount2(directory.path, Int32(MNT_DETACH)) }
  }

  private static let canMount = geteuid() == 0

  @Test(.enabled(if: canMount, "mounting needs root")) func commitGoesOnWhenThereIsRoom() throws {
    guard let disk = try SmallDisk(bytes: 1 << 20) else { return }
    let storage = LMDBStorage(root: "\(disk.directory.path)/state")
    let store = try storage.open(stage: "user", partition: 0, tables: tables)
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    try fill("\(disk.directory.path)/ballast")

    var writes = WriteSet()
    for key in 0..<200 as Range<UInt8> {
      writes.put(ratings, [key], [UInt8](repeating: key, count: 1_000))
    }
    for _ in 0..<3 {
      let error = #expect(throws: StoreError.self) {
        try store.commit(&writes, changelogOffset: 2)
      }
      #expect(error?.remedy == .wait, "\(String(describing: error))")
      #expect(try store.snapshot().changelogOffset() == 1)
    }
    #expect(unlink("\(disk.directory.path)/ballast") == 0)
    try store.commit(&writes, changelogOffset: 2)
    #expect(try store.snapshot().entries(ratings).count == 200)
    try store.close()
    try storage.openReadOnly(stage: "user", partition: 0).check()
  }

  @Test(.enabled(if: canMount, "mounting needs root")) func aCommitInPartsGoesOnWhenThereIsRoom()
    throws
  {
    guard let disk = try SmallDisk(bytes: 4 << 20) else { return }
    let storage = LMDBStorage(root: "\(disk.directory.path)/state")
    let store = try storage.open(stage: "user", partition: 0, tables: tables)
    try store.commit(offset: 1) { $0.put(users, [1], [1]) }
    var writes = WriteSet()
    for key in 0..<250 as Range<UInt8> {
      writes.put(ratings, [key], [UInt8](repeating: key, count: 1_900))
    }
    try fill("\(disk.directory.path)/ballast", leaving: 200 << 10)
    for _ in 0..<3 {
      let error = #expect(throws: StoreError.self) {
        try store.commitInParts(&writes, changelogOffset: 2, pages: 8)
      }
      #expect(error?.remedy == .wait, "\(String(describing: error))")
      #expect(try store.isUnfinished())
      #expect(try store.changelogOffset() == 1)
    }
    #expect(unlink("\(disk.directory.path)/ballast") == 0)
    try store.commitInParts(&writes, changelogOffset: 2, pages: 8)
    #expect(try store.snapshot().entries(ratings).count == 250)
    try store.close()
    try storage.openReadOnly(stage: "user", partition: 0).check()
  }

  private func fill(_ path: String, leaving room: Int = 0) throws {
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    defer { close(file) }
    let block = [UInt8](repeating: 1, count: 4096)
    var length = 0
    while write(file, block, block.count) > 0 { length += block.count }
    #expect(errno == ENOSPC)
    if room > 0 { #expect(ftruncate(file, length - room) == 0) }
  }
}
