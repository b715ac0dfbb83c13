public import EventLog
public import Recommender
public import Streams

/// Changes `models` by what is in it, so that nobody changes it in between.
///
/// All who decide share one transactional id. Making a producer with it fences everybody who has
/// begun before, and completes or aborts what they have left open; then the topic is read to its
/// end; then the changes are written in one transaction, which fails if somebody has begun since.
/// Whoever fails looks again. Where the log has no transactions, the last one to write wins.
public struct ModelDecision<Log: EventLog> {
  private let log: Log
  private let topology: Topology
  private let clientID: String
  private let transactionalID: String?

  /// How often somebody else may come first.
  private static var attempts: Int { 20 }

  /// - Parameter transactionalID: the same for all who decide; `nil` on a log without transactions.
  public init(_ log: Log, topology: Topology, clientID: String, transactionalID: String?) {
    self.log = log
    self.topology = topology
    self.clientID = clientID
    self.transactionalID = transactionalID
  }

  /// Makes a decision.
  ///
  /// - Parameter body: gets what is in the topic, and returns what to change. Called again when
  ///   somebody else has come first.
  /// - Returns: what `body` returns with the changes.
  public func callAsFunction<Result>(
    _ body: (ModelCatalog) throws -> (changes: [ModelChange], result: Result)
  ) throws -> Result {
    var attempt = 1
    while true {
      do {
        let publisher = try ModelPublisher(
          log, topology: topology, clientID: clientID, transactionalID: transactionalID)
        let catalog = try ModelCatalog(
          reading: log, topology: topology, clientID: clientID, waits: true)
        let (changes, result) = try body(catalog)
        if !changes.isEmpty { try publisher.write(changes) }
        return result
      } catch let error as LogError {
        guard [.fenced, .transactionAborted].contains(error.code), attempt < Self.attempts else {
          throw error
        }
        attempt += 1
      }
    }
  }
}

extension ModelCatalog {
  /// The name of what serves, for people.
  public var servingName: String { assembler.promotion?.version ?? "popularity" }

  /// Makes a model serve, which is then neither candidate nor shadow.
  public func promote(_ version: String, reason: String, at milliseconds: Int64)
    -> (changes: [ModelChange], promotion: ModelPromotion)
  {
    let current = assembler.promotion
    let next =
      current?.promoting(version, reason: reason, milliseconds: milliseconds)
      ?? ModelPromotion(version: version, reason: reason, milliseconds: milliseconds)
    let changes: [ModelChange] = next == current ? [] : [.role(.serving, next)]
    return (changes + withdraw(version), next)
  }

  /// Makes the model serve that served before, skipping those that have been deleted since; what
  /// served is neither candidate nor shadow.
  ///
  /// - Returns: `nil` if none is left.
  public func rollBack(at milliseconds: Int64)
    -> (changes: [ModelChange], promotion: ModelPromotion)?
  {
    var next = assembler.promotion?.rolledBack
    while let earlier = next, assembler.models[earlier.version] == nil { next = earlier.rolledBack }
    guard var next else { return nil }
    next.reason = "rolled back from \(servingName)"
    next.milliseconds = milliseconds
    return ([.role(.serving, next)] + withdraw(next.version), next)
  }

  /// Deletes a model; whatever role it has, none has it then.
  ///
  /// - Returns: `nil` if nothing of it is on the topic.
  public func delete(_ version: String) -> [ModelChange]? {
    guard let deletion = deletion(of: version) else { return nil }
    let serves = assembler.promotion?.version == version
    return (serves ? [.role(.serving, nil)] : []) + withdraw(version) + [.delete(deletion)]
  }

  /// Deletes the oldest models beyond `count`, but none that has a role or served before the
  /// present one, and not the one given.
  public func prune(keeping count: Int, and version: String?) -> [ModelMetadata] {
    let spared = Set(
      assembler.roles.values.map(\.version) + (assembler.promotion?.previous.prefix(1) ?? [])
        + (version.map { [$0] } ?? []))
    return assembler.models.values.map(\.metadata).sorted(by: ModelMetadata.isNewer)
      .dropFirst(count).filter { !spared.contains($0.version) }
  }

  private func withdraw(_ version: String) -> [ModelChange] {
    [ModelRole.candidate, .shadow].filter { assembler.roles[$0]?.version == version }
      .map { .role($0, nil) }
  }
}

extension ModelMetadata {
  /// By the newest rating; of equally new ones, some order.
  public static func isNewer(_ a: ModelMetadata, _ b: ModelMetadata) -> Bool {
    a.newestRatingMilliseconds != b.newestRatingMilliseconds
      ? a.newestRatingMilliseconds > b.newestRatingMilliseconds : a.version > b.version
  }
}
