import ArgumentParser
import Console
import Foundation
import Pipeline
import Recommender
import TestSupport
import Testing

@testable import Configuration
@testable import Operations
@testable import projectionist

/// `projectionist.docc/outputs` declares everything that `--json` prints.
@Suite struct OutputSchemaTests {
  private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/projectionist/projectionist.docc/outputs").standardizedFileURL

  private static func schema(_ name: String) throws -> JSONSchema {
    JSONSchema(try JSONValue(Data(contentsOf: directory.appending(path: "\(name).json"))))
  }

  private func expectValid(_ text: String, _ name: String) throws {
    let document = try JSONValue(Data(text.utf8))
    #expect(try Self.schema(name).violations(in: document) == [], "\(name)")
  }

  // MARK: Completeness

  /// The names of all commands with `--json`, those of subcommands with hyphens.
  private static func commands(
    _ command: any ParsableCommand.Type = Projectionist.self, _ path: [String] = []
  ) -> [String] {
    let below = command.configuration.subcommands.flatMap {
      commands($0, path + [$0._commandName])
    }
    return below
      + (hasJSON(Mirror(reflecting: command.init())) ? [path.joined(separator: "-")] : [])
  }

  /// Whether a command or one of its groups of options has the flag.
  private static func hasJSON(_ mirror: Mirror) -> Bool {
    mirror.children.contains { $0.label == "_json" }
  }

  @Test func everyCommandsOutputIsDeclared() throws {
    let commands = Self.commands()
    #expect(commands.contains("state-verify") && commands.contains("check"))
    for command in commands {
      // The benches print reports of one shape.
      let name = command.hasPrefix("bench-") ? "bench" : command
      let file = Self.directory.appending(path: "\(name).json").path
      #expect(FileManager.default.fileExists(atPath: file), "outputs/\(name).json is missing")
    }
  }

  @Test func everyNameIsInSnakeCase() throws {
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.directory, includingPropertiesForKeys: nil)
    #expect(files.count > 30)
    for file in files {
      for name in Self.properties(in: try JSONValue(Data(contentsOf: file))) {
        #expect(name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(file.lastPathComponent): \(name)")
      }
    }
  }

  private static func properties(in schema: JSONValue) -> [String] {
    let own = schema["properties"]?.members.keys.map(\.self) ?? []
    return own + (schema.elements + schema.members.values).flatMap(properties)
  }

  // MARK: Real outputs

  @Test func settingsPrintWhatIsDeclared() throws {
    try expectValid(JSONText.of(TopologyOutput(Settings())), "topology")
  }

  @Test func findingsAreAsDeclared() throws {
    let findings = [
      CheckFinding("kafka", ok: "answers"),
      CheckFinding("redis", failed: .unavailable, "refused", advice: "start it"),
    ]
    try expectValid(JSONText.of(findings), "check")
  }

  @Test func featuresAreAsDeclared() throws {
    let features = [
      FeatureOutput(feature: "rating_count", state: .integer(3), redis: .integer(3)),
      FeatureOutput(feature: "rating_mean", state: .decimal(3.5), redis: nil),
      FeatureOutput(feature: "favorite_genre", state: nil, redis: .text("Drama")),
      FeatureOutput(feature: "odd", state: .decimal(.nan), redis: .flag(true)),
    ]
    let text = try JSONText.of(features)
    try expectValid(text, "features")
    #expect(text.contains(#""state" : 3.5"#) && text.contains(#""state" : "nan""#))
  }

  @Test func claimsAndOffsetsAreAsDeclared() throws {
    try expectValid(JSONText.of(["deleted": "m1"]), "models-delete")
    try expectValid(JSONText.of(PromotionOutput(ModelPromotion(version: "m1"))), "models-promote")
  }

  /// The command prints the record of the topic.
  @Test func aModelIsShownAsTheTopicDeclaresIt() throws {
    let file = try #require(TopicCatalog.files[.models])
    let record = try JSONValue(Data(file))["value"]?["oneOf"]?.elements.first
    let shown = try JSONValue(Data(contentsOf: Self.directory.appending(path: "models-show.json")))
    for part in ["properties", "required"] {
      #expect(shown[part] != nil && shown[part] == record?[part], "\(part)")
    }
  }

  @Test func whatIsNotDeclaredIsRefused() throws {
    let schema = try Self.schema("check")
    for (text, fault) in [
      (#"[{"name":"a","ok":true,"warning":false}]"#, "$[0].detail is missing"),
      (#"[{"name":"a","ok":1,"warning":false,"detail":"b"}]"#, "$[0].ok is not boolean"),
      (
        #"[{"name":"a","ok":true,"warning":false,"detail":"b","isOdd":1}]"#,
        "$[0].isOdd is not in the schema"
      ),
    ] {
      #expect(try schema.violations(in: JSONValue(Data(text.utf8))) == [fault])
    }
  }
}
