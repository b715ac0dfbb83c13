public import EventLog
import StateStore

/// Whether a store is of the log that was met, as far as anybody can tell.
enum OriginCheck: Hashable, Sendable {
  case same
  /// A store that was never written.
  case new
  /// A store of an earlier version of this program, which says nothing of its log.
  case unknown
  /// It is not, in words.
  case different(String)

  /// - Parameters:
  ///   - stored: what the store says.
  ///   - isWritten: whether it holds anything.
  ///   - met: the log, without its changelog's identity.
  ///   - found: what the changelog has where the store remembers its identity; `nil` where the
  ///     store remembers none.
  init(
    stored: StoreOrigin?, isWritten: Bool, met: StoreOrigin, changelog: TopicPartition,
    found: LookedUp?
  ) {
    guard let stored else {
      self = isWritten ? .unknown : .new
      return
    }
    if let difference = stored.difference(from: met) {
      self = .different(difference)
      return
    }
    guard let identity = stored.changelog, let found else {
      self = .same
      return
    }
    let known = "belongs to a \(changelog) with the identity \(identity.text), and"
    self =
      switch found {
      case .record(_, identity), .nothing, .beforeStart: .same
      case .record(_, let other?): .different("\(known) this one has \(other.text)")
      case .record(_, nil): .different("\(known) this one has another record in its place")
      case .beyondEnd(let end): .different("\(known) this one ends at \(end), before it")
      }
  }
}

extension StoreOrigin {
  /// How a store's changelog differs from the one of a log, in words; `nil` when it does not, or
  /// when nobody can tell.
  public func changelogDifference<Log: EventLog>(
    in log: Log, _ changelog: TopicPartition, clientID: String
  ) throws(LogError) -> String? {
    guard let changelogOffset, self.changelog != nil else { return nil }
    var lookUp = try RecordLookUp(log, topics: [changelog.topic], clientID: clientID)
    let found = try lookUp.find([changelog: changelogOffset])[changelog]
    let check = OriginCheck(
      stored: self, isWritten: true, met: self, changelog: changelog, found: found)
    if case .different(let difference) = check { return difference }
    return nil
  }
}

extension StageConfiguration {
  func storeOfAnotherLog(_ partition: Int32, _ difference: String) -> Reason {
    Reason(
      .storeOfAnotherLog,
      "store_of_another_log: the store of \(name) partition \(partition) \(difference). If that is"
        + " the wrong log, correct kafka.bootstrap.servers or the application; if it is the right"
        + " one, move the stage's stores away, or name another state.directory: the state is then"
        + " rebuilt from this log")
  }

  /// Of a changelog that was made again under a running daemon, which went on with its store.
  func changelogIncomplete(_ changelog: TopicPartition) -> Reason {
    Reason(
      .stateLost,
      "state_lost: \(changelog) has lost its identity: it was deleted and created again while a"
        + " daemon ran, and has only what has changed since. To compute the state of \(name) again,"
        + " \(Reason.startingOver)")
  }

  func storeAdopted(_ partition: Int32, _ origin: StoreOrigin) -> Reason {
    Reason(
      .storeAdopted,
      "the store of \(name) partition \(partition) was written by an earlier version, which did not"
        + " note whose it is: from now on it is of \(origin.application) on the cluster"
        + " \(origin.cluster)")
  }
}

/// The logs that a restore's stores are of.
struct RestoreOrigins: Sendable {
  /// By partition, what the stores are to say.
  private(set) var origins: [Int32: StoreOrigin] = [:]
  /// Partitions whose stores don't say it yet.
  private(set) var unwritten: Set<Int32> = []

  mutating func keep(_ partition: Int32, _ origin: StoreOrigin) {
    origins[partition] = origin
    unwritten.remove(partition)
  }

  mutating func note(_ partition: Int32, _ origin: StoreOrigin) {
    origins[partition] = origin
    unwritten.insert(partition)
  }

  /// Takes the identity that a restore has come across.
  mutating func found(_ partition: Int32, _ identity: ChangelogIdentity, at offset: Int64) {
    guard var origin = origins[partition],
      origin.changelog != identity || origin.changelogOffset != offset
    else { return }
    origin.changelog = identity
    origin.changelogOffset = offset
    note(partition, origin)
  }

  /// Writes what a store does not say yet.
  mutating func write<Store: StateStore>(_ partition: Int32, to store: Store) throws(StoreError) {
    guard unwritten.contains(partition), let origin = origins[partition] else { return }
    // An ordinary commit would end one that was cut short.
    guard try !store.isUnfinished() else { return }
    var writes = WriteSet()
    let (key, value) = (StoreOrigin.key, origin.encoded)
    writes.set(.meta, key.span.bytes, value.span.bytes)
    try store.commit(&writes, changelogOffset: try store.changelogOffset() ?? 0)
    unwritten.remove(partition)
  }
}
