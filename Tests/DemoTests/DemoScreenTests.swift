import Configuration
import Pipeline
import RedisProjection
import Streams
import Testing

@testable import Demo
@testable import Operations

/// The live screen with what the demo really shows, on terminals as people have them.
@Suite struct DemoScreenTests {
  private static let sizes = [(80, 24), (100, 30), (120, 40)].map(Screen.Size.init)
  private static let directory = "/tmp/projectionist-demo-6pc4vD"
  private static let projection = FeastProjection(project: "movies", version: .v3)

  private func commands(withKafka: Bool) -> [PasteLine] {
    PasteLines(
      topology: Topology(application: "films"),
      bootstrapServers: "127.0.0.1:44565",
      javaTools: withKafka ? .init(directory: "/opt/kafka/bin") : nil,
      redis: .init(port: 52053), projection: Self.projection,
      program: "/home/somebody/projectionist/.build/release/projectionist",
      configuration: "\(Self.directory)/projectionist.yaml"
    ).lines(user: 42, movie: 1019)
  }

  private func dashboard(withKafka: Bool) throws -> Dashboard {
    var dashboard = Dashboard(
      broker: "Apache Kafka 127.0.0.1:44565", redis: "127.0.0.1:52053",
      daemonLog: "\(Self.directory)/daemon.log", commandFile: "\(Self.directory)/commands", user: 42
    )
    dashboard.progress.events = 1_100_836
    dashboard.progress.eventsPerSecond = 112_345
    dashboard.progress.peakEventsPerSecond = 123_456
    dashboard.progress.lags = Topology.product.map { .init(stage: $0, lag: 12_345) }
    dashboard.freshness = .init(p50: 19.4, p99: 1042)
    dashboard.features = Self.projection.user.fields.features.map { name in
      .init(name: name, text: name.hasSuffix("_time") ? "2026-11-26T06:32:00Z" : "3.9688")
    }
    dashboard.commands = commands(withKafka: withKafka)
    let movies = (1...10).map {
      #"{"movie_id":\#($0),"title":"Movie \#($0)","genres":"A|B","score":4.25}"#
    }.joined(separator: ",")
    dashboard.reply = try ReplyRecord(
      Array(#"{"recommendations":[\#(movies)],"strategy":"popular","latency_ms":1.5}"#.utf8))
    return dashboard
  }

  @Test(arguments: sizes, [false, true])
  func whatMattersIsOnTheScreen(size: Screen.Size, withKafka: Bool) throws {
    let dashboard = try dashboard(withKafka: withKafka)
    let lines = dashboard.lines(columns: size.columns, rows: size.rows)
    var terminal = Terminal(size)
    var screen = Screen()
    terminal.write(screen.update(lines, size: size))
    #expect(!terminal.hasScrolled)
    let shown = terminal.lines
    #expect(shown.prefix(lines.count).elementsEqual(lines))
    // The prompt comes back on a row of its own.
    #expect(terminal.rows.last?.isEmpty == true)

    let commands = dashboard.commands.map(\.command)
    #expect(shown.allSatisfy { $0.count <= size.columns || commands.contains($0) })
    #expect(shown.contains("Commands for a second terminal:   cat \(Self.directory)/commands"))
    #expect(shown.contains(commands[0]))
    for text in dashboard.features.map({ "\($0.name) " }) + ["lag: intake 12,345", "p99 1042 ms"] {
      #expect(shown.contains { $0.contains(text) }, "\(text)")
    }
    for movie in 1...3 { #expect(shown.contains { $0.contains("Movie \(movie)  [A|B]") }) }
  }

  @Test func roomForAllCommandsIsUsed() throws {
    let embedded = try dashboard(withKafka: false)
    let shown = embedded.lines(columns: 120, rows: 40)
    for line in embedded.commands { #expect(shown.contains(line.command)) }
    let all = try dashboard(withKafka: true).lines(columns: 120, rows: 60)
    #expect(all.contains { $0.contains("kafka-console-consumer") })
    #expect(all.contains { $0.contains("Movie 10 ") })
  }

  @Test func theFileHoldsEachCommandOnALineOfItsOwn() {
    let commands = commands(withKafka: true)
    let lines = PasteLines.text(commands).split(separator: "\n").map(String.init)
    #expect(commands.count == 7)
    #expect(lines == commands.flatMap { ["# \($0.title)", $0.command] })
  }

  @Test func aScreenThatIsTooSmallShowsTheFirstLines() throws {
    let lines = try dashboard(withKafka: true).lines(columns: 30, rows: 8)
    var screen = Screen()
    for rows in [1, 3, 8] {
      let size = Screen.Size(columns: 30, rows: rows)
      var terminal = Terminal(size)
      terminal.write(screen.update(lines, size: size))
      #expect(!terminal.hasScrolled)
      #expect(terminal.lines == Array(lines.prefix(rows)))
    }
  }

  @Test func aShorterCommandLeavesNothingOfTheLongerOne() {
    let size = Screen.Size(columns: 10, rows: 4)
    var terminal = Terminal(size)
    var screen = Screen()
    terminal.write(screen.update([String(repeating: "a", count: 19), "c"], size: size))
    terminal.write(screen.update([String(repeating: "b", count: 12), "c"], size: size))
    #expect(terminal.lines.prefix(2) == [String(repeating: "b", count: 12), "c"])
  }

  @Test func titlesDoNotMoveTheCursor() throws {
    var dashboard = try dashboard(withKafka: false)
    dashboard.reply = try ReplyRecord(
      Array(
        #"{"recommendations":[{"movie_id":1,"title":"A\n\u001b[2JB","genres":"C","score":4}]}"#.utf8
      )
    )
    #expect(
      dashboard.lines(columns: 80, rows: 24).contains("   1  4.000  A  [2JB  [C]"))
  }
}

/// As much of a terminal as `Screen` uses.
private struct Terminal {
  let size: Screen.Size
  private var cells: [[Character]]
  /// Whether a row goes on in the next one.
  private var wraps: [Bool]
  private var row = 0
  private var column = 0
  private(set) var hasScrolled = false

  init(_ size: Screen.Size) {
    self.size = size
    cells = Array(repeating: [], count: size.rows)
    wraps = Array(repeating: false, count: size.rows)
  }

  var rows: [String] { cells.map { String($0) } }

  /// What a person copies.
  var lines: [String] {
    var lines: [String] = []
    var goesOn = false
    for (row, wraps) in zip(rows, wraps) {
      if goesOn { lines[lines.count - 1] += row } else { lines.append(row) }
      goesOn = wraps
    }
    return lines
  }

  mutating func write(_ output: String) {
    var rest = output[...]
    while let character = rest.popFirst() {
      if character == "\u{1B}" {
        let end = rest.firstIndex { $0.isLetter } ?? rest.startIndex
        control(rest[end], rest[..<end].dropFirst().split(separator: ";").compactMap { Int($0) })
        rest = rest[rest.index(after: end)...]
      } else {
        put(character)
      }
    }
  }

  private mutating func control(_ letter: Character, _ numbers: [Int]) {
    switch letter {
    case "H":
      (row, column) = ((numbers.first ?? 1) - 1, (numbers.last ?? 1) - 1)
      // A real terminal takes the last row instead, where something stands already.
      hasScrolled = hasScrolled || row >= size.rows
      row = min(row, size.rows - 1)
    case "K":
      cells[row].removeSubrange(min(column, cells[row].count)...)
      wraps[row] = false
    case "J": self = Terminal(size, hasScrolled: hasScrolled)
    default: break
    }
  }

  private init(_ size: Screen.Size, hasScrolled: Bool) {
    self.init(size)
    self.hasScrolled = hasScrolled
  }

  private mutating func put(_ character: Character) {
    if column == size.columns {
      wraps[row] = true
      (row, column) = (row + 1, 0)
      hasScrolled = hasScrolled || row >= size.rows
      row = min(row, size.rows - 1)
    }
    while cells[row].count <= column { cells[row].append(" ") }
    cells[row][column] = character
    column += 1
  }
}
