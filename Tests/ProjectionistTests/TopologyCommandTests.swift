import ArgumentParser
import Configuration
import Console
import Foundation
import Pipeline
import Streams
import Testing

@testable import projectionist

@Suite struct TopologyCommandTests {
  private let topology = Settings().topology

  @Test func theReadmeHasThePicture() throws {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: repository.appending(path: "README.md"), encoding: .utf8)
    let picture = topology.text.split(separator: "\n").map { "    \($0)\n" }.joined()
    #expect(readme.contains("\n\n\(picture)\n"))
  }

  /// The help page shows it on a terminal of 80 columns.
  @Test func thePictureIsNarrow() {
    #expect(topology.text.split(separator: "\n").allSatisfy { $0.count <= 78 })
  }

  @Test func theDrawingsShowEverything() {
    let words = Set(topology.text.split { !$0.isLetter && !$0.isNumber && $0 != "-" })
    for stage in topology.stages {
      #expect(words.contains(Substring(stage.name)))
      #expect(topology.mermaid.contains("[\"\(stage.name)\"]"))
    }
    for topic in topology.flow {
      #expect(words.contains(Substring(topic.name)))
      #expect(topology.mermaid.contains("\"\(topic.name)\""))
    }
    #expect(topology.mermaid.hasPrefix("flowchart LR\n"))
    #expect(topology.mermaid.contains("  topic_user_ratings --> stage_intake\n"))
    #expect(topology.mermaid.contains("  topic_models -.-> stage_predict\n"))
    #expect(topology.mermaid.contains("  stage_user -. followed by .-> stage_predict\n"))
  }

  @Test func theJSONIsWhatTheHelpSays() throws {
    var settings = Settings()
    settings.application = "films"
    settings.processing.guarantee = .atLeastOnce
    let json = Data(try JSONText.of(TopologyOutput(settings)).utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    #expect(object["state_directory"] as? String == "state/films")
    let stages = try #require(object["stages"] as? [[String: Any]])
    #expect(
      stages.map { $0["name"] as? String } == ["intake", "user", "movie", "redis", "predict"])
    let user = stages[1]
    #expect(user["group"] as? String == "films-user")
    #expect(user["changelog"] as? String == "films-user-changelog")
    #expect(user["linger_ms"] as? Int == 20)
    #expect(user["upstream"] as? [String] == ["intake"])
    #expect((user["tables"] as? [[String: Any]])?.count == 9)
    #expect(stages[0]["changelog"] == nil)
    let topics = try #require(object["topics"] as? [[String: Any]])
    func topic(_ name: String) throws -> [String: Any] {
      try #require(topics.first { $0["name"] as? String == name })
    }
    #expect(try topic("user-ratings")["scope"] as? String == "shared")
    #expect(try topic("user-ratings")["read_by"] as? [String] == ["intake"])
    #expect(try topic("validated-ratings")["scope"] as? String == "generation")
    #expect(
      try topic("validated-ratings")["read_by"] as? [String] == ["user", "movie"], "a lookup")
    #expect(
      Set(topics.compactMap { $0["scope"] as? String }) == ["shared", "generation", "changelog"])
    #expect(stages[3]["projects_to"] as? String == "Redis")
    #expect(stages[4]["follows"] as? String == "user")

    let help = TopologyCommand.helpMessage(columns: 100)
    for key in keys(of: object) { #expect(help.contains(key), "\(key)") }
  }

  private func keys(of value: Any) -> Set<String> {
    switch value {
    case let object as [String: Any]:
      object.values.reduce(Set(object.keys)) { $0.union(keys(of: $1)) }
    case let array as [Any]: array.reduce([]) { $0.union(keys(of: $1)) }
    default: []
    }
  }
}
