import Foundation
import Testing

@testable import Streams

struct LifecycleTests {
  private static let article = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/Streams/Streams.docc/Lifecycle.md")

  /// The transitions in the table of one section of the article.
  private func documented(_ section: String) throws -> Set<String> {
    let text = try String(contentsOf: Self.article, encoding: .utf8)
    let parts = text.components(separatedBy: "\n## ")
    let part = try #require(parts.first { $0.hasPrefix("\(section)\n") })
    var transitions: Set<String> = []
    for line in part.split(separator: "\n") where line.hasPrefix("| `") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      transitions.insert("\(cells[0]) \(cells[1])".replacing("`", with: ""))
    }
    return transitions
  }

  private func allowed<State: LifecycleState & RawRepresentable<String>>(_: State.Type)
    -> Set<String>
  {
    Set(
      State.allCases.flatMap { state in
        state.successors.map { "\(state.rawValue) \($0.rawValue)" }
      })
  }

  @Test func theArticleDrawsWhatTheCodeAllows() throws {
    #expect(try documented("A partition") == allowed(PartitionState.self))
    #expect(try documented("A batch") == allowed(BatchState.self))
  }

  @Test func aStateMovesOnlyAlongItsTransitions() async {
    var state = BatchState.idle
    state.move(to: .open)
    state.move(to: .committing)
    #expect(state == .committing)
    await #expect(processExitsWith: .failure) {
      var state = PartitionState.opening
      state.move(to: .releasing)
    }
  }
}
