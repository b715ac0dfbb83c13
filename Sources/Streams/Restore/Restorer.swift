import EventLog
import StateStore

/// A partition's store at the end of its changelog.
struct RestoredStore<Store: StateStore> {
  var store: Store
  /// What the state stands for; `nil` for an empty changelog.
  var position: Position?
  /// Which log the store is of.
  var origin: StoreOrigin?
  /// The changes at the changelog's end that no position vouches for.
  var tail: WriteSet
}

/// Opens the stores of partitions and brings them up to the ends of their changelogs, all at once:
/// a `ChangelogReader` reads the partitions side by side, and `StoreLoader`s commit what it reads
/// in the background. The memory this takes does not depend on the changelogs' length.
struct Restorer<Log: EventLog, Storage: StateStorage> {
  typealias Loader = StoreLoader<Storage.Store>

  let environment: StageEnvironment<Log, Storage>
  let changelog: String

  /// Stores in the order of the partitions. Where what is on disk can't be used, a store is rebuilt
  /// from nothing.
  func open(_ partitions: [Int32]) throws(StageError) -> [RestoredStore<Storage.Store>] {
    // A cooperative rebalance often assigns nothing.
    guard !partitions.isEmpty else { return [] }
    var loaders: [Loader] = []
    for partition in partitions {
      loaders.append(Loader(partition, try environment.openStore(partition)))
    }
    var origins = RestoreOrigins()
    let before = try positions(loaders)
    var tails = try restore(loaders, &origins)
    try condemnStores(of: loaders, thatStoodFor: before)
    for number in loaders.indices {
      guard let damage = loaders[number].damage else { continue }
      let partition = loaders[number].partition
      tails[partition] = nil
      loaders[number] = Loader(partition, try environment.rebuildStore(partition, because: damage))
    }
    let rebuilt = loaders.filter { tails[$0.partition] == nil }
    if !rebuilt.isEmpty { tails.merge(try restore(rebuilt, &origins)) { $1 } }
    var restored: [RestoredStore<Storage.Store>] = []
    for loader in loaders {
      if let damage = loader.damage { throw damage }
      let position = try environment.position(of: loader.store, loader.partition)
      // Whoever wrote such a position had given the changelog an identity before.
      if position?.last != nil, origins.origins[loader.partition]?.changelog == nil {
        try recallIdentity(loader, &origins)
      }
      restored.append(
        RestoredStore(
          store: loader.store, position: position, origin: origins.origins[loader.partition],
          tail: tails[loader.partition] ?? WriteSet()))
    }
    return restored
  }

  /// Brings stores up to the end.
  ///
  /// - Returns: the changes behind the last positions, by partition. Stores that must be rebuilt
  ///   have a `damage` instead.
  private func restore(_ loaders: [Loader], _ origins: inout RestoreOrigins) throws(StageError)
    -> [Int32: WriteSet]
  {
    var progress = RestoreProgress(changelog, partitions: loaders.count, at: environment.now())
    // After an error the caller may close or destroy the stores.
    defer { for loader in loaders { loader.settle() } }
    var sections = try measure(loaders, &origins)
    let lacking = loaders.filter {
      $0.damage == nil && sections[$0.partition]?.range.isEmpty == false
    }
    if !lacking.isEmpty {
      for section in try load(lacking, lacking.compactMap { sections[$0.partition] }, &progress) {
        sections[section.changelog.partition] = section
      }
    }
    for loader in loaders where loader.damage == nil {
      if let (identity, offset) = sections[loader.partition]?.identity {
        origins.found(loader.partition, identity, at: offset)
      }
      var written = origins
      try loader.noteDamage { () throws(StoreError) in
        guard try !loader.store.isUnfinished() else {
          throw environment.configuration.storeCutShort(source(loader))
        }
        try written.write(loader.partition, to: loader.store)
      }
      origins = written
    }
    let records = sections.values.reduce(0) { $0 + $1.records }
    environment.emit(.restored(progress.finish(records: records, at: environment.now())))
    var tails: [Int32: WriteSet] = [:]
    for loader in loaders where loader.damage == nil {
      tails[loader.partition] = sections[loader.partition]?.tail.changes
    }
    return tails
  }

  /// Finds out what each store lacks.
  ///
  /// The end is that of all records, committed or not. A restore up to the last stable offset would
  /// miss what was committed behind a transaction of another producer that is still open, or whose
  /// markers are not written yet; so it reads on until that transaction is decided.
  private func measure(_ loaders: [Loader], _ origins: inout RestoreOrigins) throws(StageError)
    -> [Int32: ChangelogSection]
  {
    let measures = try measureAll(loaders, &origins)
    var sections: [Int32: ChangelogSection] = [:]
    for loader in loaders {
      guard let measure = measures[loader.partition] else { continue }
      let (source, held, stored) = (source(loader), measure.held, measure.stored)
      switch RestoreNeed(stored: stored, held: held) {
      case .changes(let range): sections[loader.partition] = ChangelogSection(source, range)
      case .rebuild:
        loader.condemn(
          environment.configuration.changelogBeyondLogEnd(
            source, stored: stored ?? 0, end: held.upperBound))
      case .lost(let offset):
        let reason = environment.configuration.changelogBelowLogStart(
          source, from: offset, start: held.lowerBound)
        environment.emit(.retentionGuard(source, reason))
        throw .failed(reason, .stopDaemon)
      }
    }
    return sections
  }

  /// Loads stores with what they lack.
  ///
  /// - Parameter sections: one for each of the stores.
  /// - Returns: the sections as they are read.
  private func load(
    _ loaders: [Loader], _ sections: [ChangelogSection], _ progress: inout RestoreProgress
  ) throws(StageError) -> [ChangelogSection] {
    let limits = RestoreLimits(partitions: loaders.count)
    let lacking = sections.reduce(0) { $0 + Int64($1.range.count) }
    environment.emit(.restoring(progress.begin(total: lacking, at: environment.now())))
    var reader = try ChangelogReader(sections, of: changelog, in: environment)
    try reader.findTails { report(&progress, 0, of: lacking) }
    try reader.beginState()
    while !reader.isFinished {
      try reader.readState()
      for (number, loader) in loaders.enumerated() where loader.damage == nil {
        try reader.takeChunk(of: number, bytes: limits.chunkBytes) {
          (changes: inout WriteSet, offset) throws(StageError) in
          try loader.load(
            &changes, changelogOffset: offset, pages: limits.pages, environment.inBackground)
        }
        if loader.damage != nil { try reader.abandon(number) }
      }
      report(&progress, reader.passed, of: reader.total)
    }
    for loader in loaders { try loader.finish() }
    return reader.sections
  }

  private func report(_ progress: inout RestoreProgress, _ applied: Int64, of total: Int64) {
    let status = progress.advance(to: applied, of: total, at: environment.now())
    if let status { environment.emit(.restoring(status)) }
  }

  private func source(_ loader: Loader) -> TopicPartition {
    TopicPartition(changelog, loader.partition)
  }
}
