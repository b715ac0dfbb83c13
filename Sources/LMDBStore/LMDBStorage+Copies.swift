import Glibc
public import StateStore

/// Copies of stores. A copy has the layout of a store, so a directory of copies is a storage.
extension LMDBStorage {
  /// Copies a store's last commit below another directory; compact, synced, and marked as cleanly
  /// closed. The store may be written meanwhile. The copy gets its name only when it is complete.
  ///
  /// - Parameters:
  ///   - root: the copy goes to `<root>/<stage>/<partition>/`, which must not exist.
  ///   - finish: may add files to the copy before it is complete; gets the directory and a view of
  ///     what was copied.
  /// - Throws: `.stop` if there is a copy already.
  public func copy(
    stage: String, partition: Int32, to root: String,
    finish: (_ directory: String, _ copied: LMDBSnapshot) throws(StoreError) -> Void = {
      (_, _) throws(StoreError) in
    }
  ) throws(StoreError) {
    let reader = try openReadOnly(stage: stage, partition: partition)
    let target = "\(root)/\(stage)/\(partition)"
    guard !FileSystem.exists(target) else {
      throw StoreError("\(target) exists; choose another directory", remedy: .stop)
    }
    var attempts = 3
    while true {
      // Between the parts of a commit there is nothing to copy.
      try reader.snapshot().release()
      do throws(StoreError) {
        try Self.build(target) { (partial) throws(StoreError) in
          try reader.copy(to: "\(partial)/data.mdb")
          try DurabilityMark.setClosed(partial)
          do {
            let copied = try EnvironmentRegistry.leaseReadOnly(
              partial, options: try options(isReadOnly: true))
            try finish(partial, try LMDBSnapshot(copied))
          }
          try FileSystem.remove("\(partial)/lock.mdb")
        }
        break
      } catch {
        // Another commit may have begun.
        attempts -= 1
        guard error.remedy == .wait, attempts > 0 else { throw error }
      }
    }
    try FileSystem.syncDirectory("\(root)/\(stage)")
  }

  /// The file that `copy` is writing, for showing its progress.
  public static func partialCopy(stage: String, partition: Int32, in root: String) -> String {
    partial(of: "\(root)/\(stage)/\(partition)") + "/data.mdb"
  }

  /// Puts a copy in a store's place. The caller holds the lock of the directory.
  ///
  /// - Parameters:
  ///   - copies: the directory given to `copy`.
  ///   - replaces: whether an existing store may be deleted.
  /// - Throws: `.stop` if there is a store that must not be replaced; `.rebuild` if the copy is
  ///   damaged.
  public func install(
    from copies: LMDBStorage, stage: String, partition: Int32, replaces: Bool
  ) throws(StoreError) {
    try copies.openReadOnly(stage: stage, partition: partition).check()
    let target = "\(root)/\(stage)/\(partition)"
    guard replaces || !FileSystem.exists("\(target)/data.mdb") else {
      throw StoreError("there is a store at \(target) already", remedy: .stop)
    }
    let partial = Self.partial(of: target)
    try FileSystem.removeDirectory(partial)
    try FileSystem.createDirectories(partial)
    try FileSystem.copy("\(copies.root)/\(stage)/\(partition)/data.mdb", to: "\(partial)/data.mdb")
    try DurabilityMark.setClosed(partial)
    try destroy(stage: stage, partition: partition)
    try FileSystem.move(partial, to: target)
    try FileSystem.syncDirectory("\(root)/\(stage)")
  }

  /// A name that no partition has.
  private static func partial(of target: String) -> String { "\(target).partial" }

  private static func build(
    _ target: String, _ fill: (_ partial: String) throws(StoreError) -> Void
  ) throws(StoreError) {
    let partial = partial(of: target)
    try FileSystem.removeDirectory(partial)
    try FileSystem.createDirectories(partial)
    do throws(StoreError) {
      try fill(partial)
      try FileSystem.move(partial, to: target)
    } catch {
      // Report the failure itself, not one to clean up after it.
      try? FileSystem.removeDirectory(partial)
      throw error
    }
  }
}
