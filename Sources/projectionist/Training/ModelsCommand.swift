import ArgumentParser
import Codecs
import Console
import Foundation
import Operations
import Pipeline
import Recommender

/// `projectionist models`
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List the models, say which one serves, go back, delete.",
    discussion: """
      Models are records of the topic models, and so is the promotion of one: every running daemon \
      follows at once.
      """,
    subcommands: [List.self, Show.self, Promote.self, Rollback.self, Delete.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print all models, the newest first.",
      discussion: "Also what on the topic is incomplete or damaged, which nobody serves.")

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalog = try shelf(common).catalog
      if json { return print(try JSONText.of(ModelListOutput(catalog))) }
      print(catalog.table, terminator: "")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a model's record: settings, offsets, measures.")

    @Argument(help: "The model's version; the one that serves by default.") var version: String?
    @Flag(help: "Print the record as it is on the topic.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalog = try shelf(common).catalog
      guard let version = version ?? catalog.assembler.promotion?.version else {
        throw CommandFailure(
          .failure, "no model is promoted: name one, `projectionist models list` has them")
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
      discussion: "The one that serves now is remembered, for `projectionist models rollback`.")

    @Argument(help: "The model's version.") var version: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      try PromotionOutput(try shelf(common).promote(version)).print(asJSON: json)
    }
  }

  struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the model serve that served before.")

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      try PromotionOutput(try shelf(common).rollBack()).print(asJSON: json)
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a model, complete or not.",
      discussion: """
        The one that serves is only deleted with --force; recommendations are by popularity then, \
        until another is promoted.
        """)

    @Argument(help: "The model's version.") var version: String
    @Flag(help: "Also delete the model that serves.") var force = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      try shelf(common).delete(version, force: force)
      if json { return print(try JSONText.of(["deleted": version])) }
      print("deleted \(version)")
    }
  }
}

/// The topic as the command finds it.
private func shelf(_ common: CommonOptions) throws -> ModelShelf {
  let (settings, logger) = try common.start("models")
  return try ModelShelf(settings, logger)
}

/// What `models promote` and `rollback` print.
struct PromotionOutput: Encodable {
  var promoted: String
  var previous: [String]

  init(_ promotion: ModelPromotion) {
    promoted = promotion.version
    previous = promotion.previous
  }

  func print(asJSON: Bool) throws {
    if asJSON { return Swift.print(try JSONText.of(self)) }
    Swift.print("\(promoted) serves" + (previous.first.map { ", before it \($0)" } ?? ""))
  }
}
