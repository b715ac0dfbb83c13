import EventLog
import StateStore

// Whether stores are of this log, before anything is read into them.

extension Restorer {
  /// What is known of a store and its changelog before a restore.
  struct Measure {
    var held: Range<Int64>
    /// The store's changelog offset; `nil` for a new one.
    var stored: Int64?
    var origin: StoreOrigin?
    /// An identity that an earlier version has copied from the changelog.
    var copied: ChangelogIdentity?
  }

  /// Measures stores, and checks that they are of this log.
  ///
  /// - Throws: `store_of_another_log`, which stops the daemon.
  func measureAll(_ loaders: [Loader], _ origins: inout RestoreOrigins) throws(StageError)
    -> [Int32: Measure]
  {
    var lookUp: RecordLookUp<Log>
    do throws(LogError) {
      lookUp = try RecordLookUp(
        environment.log, topics: [changelog],
        clientID: "\(environment.configuration.clientID)-restore")
    } catch { throw .log(error) }
    return try measureAll(loaders, &lookUp, &origins)
  }

  private func measureAll(
    _ loaders: [Loader], _ lookUp: inout RecordLookUp<Log>, _ origins: inout RestoreOrigins
  ) throws(StageError) -> [Int32: Measure] {
    let configuration = environment.configuration
    let consumer = lookUp.consumer
    var measures: [Int32: Measure] = [:]
    var remembered: [TopicPartition: Int64] = [:]
    for loader in loaders {
      let source = TopicPartition(changelog, loader.partition)
      let measure = try measure(
        loader,
        held: try StageError.log { () throws(LogError) in try consumer.offsets(of: source) })
      measures[loader.partition] = measure
      if measure.origin?.changelog != nil { remembered[source] = measure.origin?.changelogOffset }
    }
    let met = try StageError.log { () throws(LogError) in
      StoreOrigin(
        cluster: try consumer.clusterID(), application: configuration.application,
        input: configuration.inputs[0],
        partitions: try consumer.partitionCount(of: configuration.inputs[0]))
    }
    let found: [TopicPartition: LookedUp]
    do throws(LogError) { found = try lookUp.find(remembered) } catch { throw .log(error) }
    for loader in loaders where loader.damage == nil {
      guard let measure = measures[loader.partition] else { continue }
      let source = TopicPartition(changelog, loader.partition)
      try settleOrigin(loader, measure, met, found[source], &origins)
    }
    return measures
  }

  private func measure(_ loader: Loader, held: Range<Int64>) throws(StageError) -> Measure {
    var measure = Measure(held: held)
    try loader.noteDamage { () throws(StoreError) in
      measure.stored = try loader.store.changelogOffset()
      measure.origin = try loader.store.metaValue(StoreOrigin.key)
        .flatMap { StoreOrigin(decoding: $0.span.bytes) }
      measure.copied = try loader.store.metaValue(ChangelogIdentity.key)
        .flatMap { ChangelogIdentity(decoding: $0.span.bytes) }
    }
    return measure
  }

  private func settleOrigin(
    _ loader: Loader, _ measure: Measure, _ met: StoreOrigin, _ found: LookedUp?,
    _ origins: inout RestoreOrigins
  ) throws(StageError) {
    let partition = loader.partition
    let check = OriginCheck(
      stored: measure.origin, isWritten: measure.stored != nil, met: met,
      changelog: TopicPartition(changelog, partition), found: found)
    switch check {
    case .same: origins.keep(partition, measure.origin ?? met)
    case .new:
      origins.note(partition, met)
      var written = origins
      // Before anything of the log is in the store.
      try loader.noteDamage { () throws(StoreError) in
        try written.write(partition, to: loader.store)
      }
      origins = written
    case .unknown:
      var adopted = met
      adopted.changelog = measure.copied
      origins.note(partition, adopted)
      environment.emit(
        .storeAdopted(
          partition: partition, environment.configuration.storeAdopted(partition, adopted)))
    case .different(let difference):
      let reason = environment.configuration.storeOfAnotherLog(partition, difference)
      environment.emit(.storeRefused(partition: partition, reason))
      throw .failed(reason, .stopDaemon)
    }
  }

  /// Looks for the identity of a changelog in what a store has taken from it: the commit that noted
  /// the identity may have been lost with the power.
  ///
  /// - Throws: `state_lost`, which stops the daemon, if there is none.
  func recallIdentity(_ loader: Loader, _ origins: inout RestoreOrigins) throws(StageError) {
    let place = TopicPartition(changelog, loader.partition)
    let configuration = environment.configuration
    guard let (identity, offset) = try identity(of: place) else {
      let reason = configuration.changelogIncomplete(place)
      environment.emit(.storeRefused(partition: loader.partition, reason))
      throw .failed(reason, .stopDaemon)
    }
    origins.found(loader.partition, identity, at: offset)
    var written = origins
    try loader.noteDamage { () throws(StoreError) in
      try written.write(loader.partition, to: loader.store)
    }
    if let damage = loader.damage { throw damage }
    origins = written
  }

  private func identity(of place: TopicPartition) throws(StageError)
    -> (ChangelogIdentity, offset: Int64)?
  {
    var found: (ChangelogIdentity, offset: Int64)?
    do throws(LogError) {
      var reader = try PartitionReader(
        environment.log, topics: [place.topic],
        clientID: "\(environment.configuration.clientID)-changelog-identity")
      let held = try reader.consumer.offsets(of: place)
      try reader.begin([PartitionCursor(place, from: .at(held.lowerBound), to: held.upperBound)])
      let stop = environment.stop
      try reader.readToEnd(onPoll: { _ in !stop.isStopped }) { _, record in
        found = ChangelogIdentity(record).map { ($0, record.offset) }
        return found == nil
      }
    } catch { throw .log(error) }
    guard !environment.stop.isStopped else { throw .stopped }
    return found
  }
}
