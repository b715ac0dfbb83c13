extension Topology {
  /// The flow of records as a drawing in text: what a stage writes stands below it, and a stage
  /// that several topics lead to is drawn where the first of them does.
  public var text: String {
    var drawing = TextDrawing(self)
    return drawing.draw()
  }

  /// The topics at which the flow begins: some stage reads them, and nobody else writes them.
  var sources: [TopicDeclaration] {
    flow.filter { topic in
      let readers = readers(of: topic)
      return !readers.isEmpty
        && writers(of: topic).allSatisfy { writer in readers.contains { $0.name == writer.name } }
    }
  }

  /// What a stage needs besides its input, in words; `nil` for nothing.
  func needs(of stage: StageDeclaration) -> String? {
    let globals = stage.globals.filter { !stage.writes($0) }.map(\.name)
    let needs = [
      stage.follows.map { "follows \($0)" },
      globals.isEmpty ? nil : "reads \(globals.joined(separator: ", "))",
    ].compactMap(\.self)
    return needs.isEmpty ? nil : needs.joined(separator: "; ")
  }
}

private struct TextDrawing {
  private let topology: Topology
  private var lines: [String] = []
  private var drawn: Set<String> = []

  init(_ topology: Topology) { self.topology = topology }

  mutating func draw() -> String {
    for topic in topology.sources { draw(topic, first: "", rest: "") }
    return lines.map { "\($0)\n" }.joined()
  }

  /// - Parameters:
  ///   - first: stands before the topic.
  ///   - rest: stands before what follows below.
  private mutating func draw(_ topic: TopicDeclaration, first: String, rest: String) {
    let readers = topology.readers(of: topic)
    guard let reader = readers.first, readers.count == 1 else {
      lines.append(first + topic.name)
      for (number, reader) in readers.enumerated() {
        let isLast = number == readers.count - 1
        draw(
          reader, first: rest + (isLast ? "  └▶ " : "  ├▶ "),
          rest: rest + (isLast ? "     " : "  │  "))
      }
      return
    }
    draw(reader, first: "\(first)\(topic.name) ─▶ ", rest: rest)
  }

  private mutating func draw(_ stage: StageDeclaration, first: String, rest: String) {
    let target = stage.projectsTo.map { " ─▶ \($0)" } ?? ""
    lines.append(first + stage.name + target)
    guard drawn.insert(stage.name).inserted else { return }
    // What it sends back to its own input is no way on.
    let outputs = stage.outputs.map(\.topic).filter { !stage.inputs.contains($0) }
    let below = outputs + [stage.changelog, stage.positions].compactMap(\.self)
    if let needs = topology.needs(of: stage) {
      lines.append(rest + (below.isEmpty ? "     " : "  │  ") + needs)
    }
    for (number, topic) in below.enumerated() {
      let isLast = number == below.count - 1
      let isElsewhere = topology.writers(of: topic).first?.name != stage.name
      let (first, rest) = (rest + (isLast ? "  └▶ " : "  ├▶ "), rest + (isLast ? "     " : "  │  "))
      // A topic of several writers is followed below the first.
      if isElsewhere {
        lines.append(first + topic.name)
      } else {
        draw(topic, first: first, rest: rest)
      }
    }
  }
}
