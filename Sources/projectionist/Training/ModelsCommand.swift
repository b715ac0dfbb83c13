import ArgumentParser
import Codecs
import Configuration
import Console
import Foundation
import KafkaLog
import Pipeline
import Recommender
import Streams
import Wiring

/// `projectionist models`
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List models, choose the one that serves, roll back, delete.",
    discussion: """
      Models are records of the topic models, and so are promotions: every running daemon follows \
      them at once.
      """,
    subcommands: [List.self, Show.self, Promote.self, Rollback.self, Delete.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print all models, the newest first.",
      discussion: "Also lists what is incomplete or damaged on the topic, which no daemon serves.")

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalog = try ModelShelf(common).catalog
      if json { return print(try JSONText.of(ModelListOutput(catalog))) }
      print(catalog.table, terminator: "")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a model's record: settings, offsets, measures.")

    @Argument(help: "The model's version; by default the one that serves.") var version: String?
    @Flag(help: "Print the record's JSON unchanged.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalog = try ModelShelf(common).catalog
      guard let version = version ?? catalog.assembler.promotion?.version else {
        throw CommandFailure(
          .failure, "no model is promoted: name one of those in `projectionist models list`")
      }
      let model = try catalog.model(version)
      if json {
        var writer = JSONWriter()
        model.metadata.write(to: &writer)
        return print(String(decoding: writer.copyBytes(), as: UTF8.self))
      }
      print(model.metadata.table(isPromoted: catalog.assembler.promotion?.version == version))
    }
  }

  struct Promote: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a model serve.",
      discussion: "Remembers the current one for `projectionist models rollback`.")

    @Argument(help: "The model's version.") var version: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let shelf = try ModelShelf(common)
      let model = try shelf.catalog.model(version)
      let current = shelf.catalog.assembler.promotion
      let next = current?.promoting(model.version) ?? ModelPromotion(version: model.version)
      if next != current { try shelf.publisher().promote(next) }
      try PromotionOutput(next).print(asJSON: json)
    }
  }

  struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the previous model serve again.")

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let shelf = try ModelShelf(common)
      // Skips models that have been deleted since.
      var next = shelf.catalog.assembler.promotion?.rolledBack
      while let candidate = next, shelf.catalog.assembler.models[candidate.version] == nil {
        next = candidate.rolledBack
      }
      guard let next else {
        throw CommandFailure(
          .failure,
          "no previous model is left; `projectionist models list` has those that can be promoted")
      }
      try shelf.publisher().promote(next)
      try PromotionOutput(next).print(asJSON: json)
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a model, complete or not.",
      discussion: """
        Deleting the one that serves takes --force; recommendations are then by popularity until \
        another is promoted.
        """)

    @Argument(help: "The model's version.") var version: String
    @Flag(help: "Delete the model even if it serves.") var force = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let shelf = try ModelShelf(common)
      guard let parts = shelf.catalog.partCount(of: version) else {
        throw ModelCatalog.unknown(version)
      }
      let serves = shelf.catalog.assembler.promotion?.version == version
      guard force || !serves else {
        throw CommandFailure(
          .failure, "\(version) serves: promote another first, or use --force")
      }
      let publisher = try shelf.publisher()
      if serves { try publisher.promote(nil) }
      try publisher.delete(version: version, parts: parts)
      if json { return print(try JSONText.of(["deleted": version])) }
      print("deleted \(version)")
    }
  }
}

/// The topic's models, and a publisher to change them.
private struct ModelShelf {
  private let settings: Settings
  private let log: KafkaLog
  let catalog: ModelCatalog

  init(_ common: CommonOptions) throws {
    let (settings, logger) = try common.start("models")
    // The admin client gives up sooner, so an unreachable broker is reported at once.
    let topic = settings.topology[.models]
    guard try settings.makeAdmin(logger).topics()[topic] != nil else {
      throw CommandFailure(
        .topicsDiffer,
        "there is no topic \(topic): create it with `projectionist topics apply`")
    }
    self.settings = settings
    log = settings.makeModelLog(logger)
    catalog = try ModelCatalog(
      reading: log, topology: settings.topology, clientID: "projectionist-models")
  }

  func publisher() throws -> ModelPublisher<KafkaLog> {
    try ModelPublisher(
      log, topology: settings.topology, clientID: "projectionist-models",
      transactionalID: settings.trainerID())
  }
}

extension ModelCatalog {
  fileprivate static func unknown(_ version: String) -> CommandFailure {
    CommandFailure(
      .failure, "there is no model \(version); see `projectionist models list`")
  }

  /// A complete model.
  fileprivate func model(_ version: String) throws(CommandFailure) -> FactorModel {
    if let model = assembler.models[version] { return model }
    guard assembler.incomplete.contains(where: { $0.version == version }) else {
      throw Self.unknown(version)
    }
    throw CommandFailure(
      .failure, "\(version) is incomplete on the topic: train it again, or delete it")
  }
}
