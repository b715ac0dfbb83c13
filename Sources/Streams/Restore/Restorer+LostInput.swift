import EventLog
import StateStore

// Whether a store and its changelog are of one history.

extension Restorer {
  /// What stores stand for, by partition; nothing of those that say nothing.
  func positions(_ loaders: [Loader]) throws(StageError) -> [Int32: Position] {
    var positions: [Int32: Position] = [:]
    for loader in loaders where loader.damage == nil {
      var stored: [UInt8]?
      try loader.noteDamage { () throws(StoreError) in
        stored = try loader.store.metaValue(Position.key)
      }
      // One that can't be read refuses the store when it is opened.
      positions[loader.partition] = stored.flatMap { try? Position(decoding: $0.span.bytes) }
    }
    return positions
  }

  /// Condemns stores that stood for input that the log does not have, while it has what their
  /// changelogs stand for.
  ///
  /// A log that lost what it had acknowledged, as by an old disk or an unclean election, and was
  /// written to again, has another history. A store of the lost one is not beyond the end of the
  /// changelog, so it is brought up to that end; but what it alone has seen stays in it.
  func condemnStores(of loaders: [Loader], thatStoodFor before: [Int32: Position])
    throws(StageError)
  {
    let after = try positions(loaders)
    var stood: [TopicPartition: RecordIdentity] = [:]
    var stands: [TopicPartition: RecordIdentity] = [:]
    for (partition, position) in before {
      guard let old = position.last, let new = after[partition]?.last, old != new else { continue }
      let source = TopicPartition(environment.configuration.inputs[0], partition)
      (stood[source], stands[source]) = (old, new)
    }
    guard !stood.isEmpty else { return }
    let losses = try losses(of: stood)
    let others = try self.losses(of: stands.filter { losses[$0.key] != nil })
    for loader in loaders {
      let source = TopicPartition(environment.configuration.inputs[0], loader.partition)
      // Where the log has neither, the topic was made again, which stops the stage.
      guard let last = stood[source], let why = losses[source], others[source] == nil else {
        continue
      }
      loader.condemn(environment.configuration.inputLost(source, last, why))
    }
  }

  private func losses(of records: [TopicPartition: RecordIdentity]) throws(StageError)
    -> [TopicPartition: String]
  {
    guard !records.isEmpty else { return [:] }
    do throws(LogError) {
      var lookUp = try RecordLookUp(
        environment.log, topics: [environment.configuration.inputs[0]],
        clientID: "\(environment.configuration.clientID)-restored")
      let found = try lookUp.find(records.mapValues(\.offset))
      var losses: [TopicPartition: String] = [:]
      for (source, record) in records { losses[source] = found[source].flatMap(record.difference) }
      return losses
    } catch { throw .log(error) }
  }
}

extension StageConfiguration {
  fileprivate func inputLost(
    _ source: TopicPartition, _ last: RecordIdentity, _ why: String
  ) -> Reason {
    Reason(
      .inputLost,
      "input_lost: the store of \(name) partition \(source.partition) stands for \(source) up to"
        + " offset \(last.offset), but \(why), and its changelog does not: the log has lost records"
        + " that it had acknowledged")
  }
}
