package import Configuration
package import Console
import KafkaLog
package import Logging
package import Pipeline
package import Recommender
import Streams
import Wiring

/// The topic as a command finds it, and the means to write to it.
package struct ModelShelf {
  private let settings: Settings
  private let log: KafkaLog
  package let catalog: ModelCatalog

  package init(_ settings: Settings, _ logger: Logger) throws {
    let topic = settings.topology[.models]
    // The admin client gives up sooner, so an unreachable broker is reported at once.
    guard try settings.makeAdmin(logger).topics()[topic] != nil else {
      throw CommandFailure(
        .topicsDiffer, "there is no topic \(topic): create it with `projectionist topics apply`")
    }
    self.settings = settings
    log = settings.makeShortTransactionLog(logger)
    catalog = try ModelCatalog(
      reading: log, topology: settings.topology, clientID: "projectionist-models")
  }

  /// Makes a model serve.
  package func promote(_ version: String) throws -> ModelPromotion {
    let model = try catalog.model(version)
    let current = catalog.assembler.promotion
    let next = current?.promoting(model.version) ?? ModelPromotion(version: model.version)
    if next != current { try publisher().promote(next) }
    return next
  }

  /// Makes the model serve that served before.
  package func rollBack() throws -> ModelPromotion {
    // Skips models that have been deleted since.
    var next = catalog.assembler.promotion?.rolledBack
    while let candidate = next, catalog.assembler.models[candidate.version] == nil {
      next = candidate.rolledBack
    }
    guard let next else {
      throw CommandFailure(
        .failure,
        "no previous model is left; `projectionist models list` has those that can be promoted")
    }
    try publisher().promote(next)
    return next
  }

  /// Deletes a model, complete or not.
  ///
  /// - Parameter force: whether also the one that serves.
  package func delete(_ version: String, force: Bool) throws {
    guard let parts = catalog.partCount(of: version) else {
      throw ModelCatalog.unknown(version)
    }
    let serves = catalog.assembler.promotion?.version == version
    guard force || !serves else {
      throw CommandFailure(
        .failure, "\(version) serves: promote another first, or use --force")
    }
    let publisher = try publisher()
    if serves { try publisher.promote(nil) }
    try publisher.delete(version: version, parts: parts)
  }

  private func publisher() throws -> ModelPublisher<KafkaLog> {
    try ModelPublisher(
      log, topology: settings.topology, clientID: "projectionist-models",
      transactionalID: settings.trainerID())
  }
}

extension ModelCatalog {
  static func unknown(_ version: String) -> CommandFailure {
    CommandFailure(
      .failure, "there is no model \(version); see `projectionist models list`")
  }

  /// A complete model.
  package func model(_ version: String) throws(CommandFailure) -> FactorModel {
    if let model = assembler.models[version] { return model }
    guard assembler.incomplete.contains(where: { $0.version == version }) else {
      throw Self.unknown(version)
    }
    throw CommandFailure(
      .failure, "\(version) is incomplete on the topic: train it again, or delete it")
  }
}
