extension Topology {
  /// The flow of records as a Mermaid flowchart: solid arrows for records, dotted ones for what a
  /// stage reads as a whole and for whom it follows.
  public var mermaid: String {
    var lines = ["flowchart LR"]
    for topic in flow {
      let name = topic.name
      lines.append(
        topic.scope == .changelog
          ? "\(Self.id(topic))[(\"\(name)\")]" : "\(Self.id(topic))([\"\(name)\"])")
    }
    for stage in stages { lines.append("\(Self.id(stage))[\"\(stage.name)\"]") }
    for stage in stages {
      let id = Self.id(stage)
      for topic in stage.inputs { lines.append("\(Self.id(topic)) --> \(id)") }
      for output in stage.outputs { lines.append("\(id) --> \(Self.id(output.topic))") }
      for topic in [stage.changelog, stage.positions].compactMap(\.self) {
        lines.append("\(id) --> \(Self.id(topic))")
      }
      for topic in stage.globals { lines.append("\(Self.id(topic)) -.-> \(id)") }
      if let followed = stage.follows.flatMap(stage(named:)) {
        lines.append("\(Self.id(followed)) -. followed by .-> \(id)")
      }
      if let target = stage.projectsTo {
        lines.append("\(id) --> outside_\(stage.name)((\"\(target)\"))")
      }
    }
    return lines.enumerated().map { $0 == 0 ? "\($1)\n" : "  \($1)\n" }.joined()
  }

  /// Mermaid reads a hyphen as the beginning of an arrow.
  private static func id(_ topic: TopicDeclaration) -> String {
    "topic_" + topic.name.map { $0 == "-" ? "_" : String($0) }.joined()
  }

  private static func id(_ stage: StageDeclaration) -> String { "stage_\(stage.name)" }
}
