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
    abstract: "List models, choose the one that serves, roll back, delete.",
    discussion: """
      Models are records of the topic models, and so are promotions: every running daemon follows \
      them at once.
      """,
    subcommands: [List.self, Show.self, Diff.self, Promote.self, Rollback.self, Delete.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print all models, the newest first.",
      discussion: "Also lists what is incomplete or damaged on the topic, which no daemon serves.")

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
      abstract: "Print a model's record: settings, offsets, measures, and what was decided.")

    @Argument(help: "The model's version; by default the one that serves.") var version: String?
    @Flag(help: "Print the record's JSON unchanged.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalog = try shelf(common).catalog
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
      print(catalog.table(of: model.metadata), terminator: "")
    }
  }

  struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare two models: settings, measures and dates.",
      discussion: "Deleted models are compared as far as their settings are still known.")

    @Argument(help: "A model's version; by default the one that serves.") var first: String?
    @Argument(help: "Another's; by default that of the candidate.") var second: String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalog = try shelf(common).catalog
      guard let first = first ?? catalog.assembler.promotion?.version else {
        throw CommandFailure(
          .failure, "no model is promoted: name two of those in `projectionist models list`")
      }
      guard let second = second ?? catalog.assembler.roles[.candidate]?.version else {
        throw CommandFailure(
          .failure, "there is no candidate: name one of those in `projectionist models list`")
      }
      let comparison = try ModelComparison(first, second, in: catalog)
      if json { return print(try JSONText.of(comparison)) }
      print(comparison.text, terminator: "")
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
      try PromotionOutput(try shelf(common).promote(version)).print(asJSON: json)
    }
  }

  struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the previous model serve again.")

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
        Deleting the one that serves takes --force; recommendations are then by popularity until \
        another is promoted.
        """)

    @Argument(help: "The model's version.") var version: String
    @Flag(help: "Delete the model even if it serves.") var force = false
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
    Swift.print("\(promoted) serves" + (previous.first.map { ", after \($0)" } ?? ""))
  }
}
