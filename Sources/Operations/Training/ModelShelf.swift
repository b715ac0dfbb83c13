package import Configuration
package import Console
import Foundation
import KafkaLog
package import Logging
package import Pipeline
package import Recommender
import Streams
import Wiring

/// The topic as a command finds it, and the means to write to it.
package struct ModelShelf {
  private let settings: Settings
  private let logger: Logger
  private let log: KafkaLog
  package let catalog: ModelCatalog

  package init(_ settings: Settings, _ logger: Logger) throws {
    let topic = settings.topology[.models]
    // The admin client gives up sooner, so an unreachable broker is reported at once.
    guard try settings.makeAdmin(logger).hasTopic(topic) else {
      throw CommandFailure(
        .topicsDiffer, "there is no topic \(topic): create it with `projectionist topics apply`")
    }
    self.settings = settings
    self.logger = logger
    log = settings.makeShortTransactionLog(logger)
    catalog = try ModelCatalog(
      reading: log, topology: settings.topology, clientID: "projectionist-models")
  }

  /// Makes a model serve.
  package func promote(_ version: String) throws -> ModelPromotion {
    try decide { catalog in
      let model = try catalog.model(version)
      return catalog.promote(
        model.version, reason: "promoted by hand, after \(catalog.servingName)",
        at: Moment.milliseconds)
    }
  }

  /// Makes the model serve that served before.
  package func rollBack() throws -> ModelPromotion {
    try decide { catalog in
      guard let decision = catalog.rollBack(at: Moment.milliseconds) else {
        throw CommandFailure(
          .failure,
          "no previous model is left; `projectionist models list` has those that can be promoted")
      }
      return decision
    }
  }

  /// Deletes a model, complete or not.
  ///
  /// - Parameter force: whether also the one that serves.
  package func delete(_ version: String, force: Bool) throws {
    try decide { catalog in
      guard let changes = catalog.delete(version) else { throw ModelCatalog.unknown(version) }
      guard force || catalog.assembler.promotion?.version != version else {
        throw CommandFailure(
          .failure, "\(version) serves: promote another first, or use --force")
      }
      return (changes, ())
    }
  }

  private func decide<Result>(
    _ body: (ModelCatalog) throws -> (changes: [ModelChange], promotion: Result)
  ) throws -> Result {
    // Another application's daemons follow its decisions only.
    try TopicOwners(settings, logger).check(try settings.makeAdmin(logger).topics())
    let decision = ModelDecision(
      log, topology: settings.topology, clientID: "projectionist-models",
      transactionalID: settings.modelWriterID)
    return try decision { catalog in
      let (changes, result) = try body(catalog)
      return (changes, result)
    }
  }
}

/// The clock, for records.
enum Moment {
  /// Since 1970.
  static var milliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
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
