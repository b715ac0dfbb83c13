import Configuration
import EventStream
import Foundation
import KafkaLog
import Pipeline
import RedisProjection
import Streams
import Testing

@testable import Demo
@testable import Operations

@Suite struct PasteLineTests {
  private let lines = PasteLines(
    topology: Topology(application: "films"),
    bootstrapServers: "127.0.0.1:9", javaTools: .init(directory: "/my kafka/bin"),
    redis: .init(port: 6380), projection: FeastProjection(project: "movies", version: .v3),
    program: "projectionist",
    configuration: "/tmp/it's here.yaml")

  /// What a shell makes of a command's words.
  private func shell(_ command: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: output, as: UTF8.self)
  }

  @Test func theRatingIsAnEventOfNow() throws {
    let line = try #require(lines.lines(user: 42, movie: 7).first)
    let parts = line.command.split(separator: " | ")
    #expect(parts.count == 2)
    #expect(parts[1] == "kcat -P -b 127.0.0.1:9 -t user-ratings")
    let event = try JSONSerialization.jsonObject(with: Data(try shell(String(parts[0])).utf8))
    let fields = try #require(event as? [String: Double])
    #expect(fields["user_id"] == 42 && fields["movie_id"] == 7 && fields["rating"] == 5)
    let time = try #require(fields["timestamp"])
    #expect(abs(time - Date().timeIntervalSince1970) < 60)
  }

  @Test func redisKeysAreQuotedForTheShellAndForRedis() throws {
    let command = try #require(
      lines.lines(user: 42, movie: 7).first { $0.command.hasPrefix("redis-cli") }
    ).command
    let words = try shell("printf '%s\\n' \(command.dropFirst("redis-cli".count))")
      .split(separator: "\n")
    #expect(words.prefix(6) == ["-h", "127.0.0.1", "-p", "6380", "--quoted-input", "HMGET"])
    #expect(
      words[6]
        == #""\x01\x00\x00\x00\x02\x00\x00\x00\x07\x00\x00\x00user_id\x04\x00\x00\x00\x08\x00"#
        + #"\x00\x00*\x00\x00\x00\x00\x00\x00\x00movies""#)
    #expect(words.last == #""_fence:user_features""#)
  }

  @Test func bytesThatMeanSomethingAreNumbers() {
    #expect(PasteLines.redisText(Array(#"a"b\c'd"#.utf8)) == #""a\x22b\x5cc\x27d""#)
    #expect(PasteLines.redisText([0, 0x7F, 0xFF, 0x20]) == #""\x00\x7f\xff ""#)
  }

  @Test func wordsComeBackFromTheShell() throws {
    for word in ["plain", "", "two words", "it's", #"a"b$c`d\e"#, "x;y&z|", "*?[a]", "ü"] {
      #expect(try shell("printf '%s' \(PasteLines.quoted(word))") == word)
    }
    #expect(PasteLines.quoted("127.0.0.1:9092") == "127.0.0.1:9092")
  }

  @Test func kafkasToolsAreNamedOnlyWhereTheyWork() {
    let commands = lines.lines(user: 1, movie: 2).map(\.command)
    #expect(commands.contains { $0.contains("'/my kafka/bin/kafka-console-producer.sh'") })
    var embedded = lines
    embedded.javaTools = nil
    #expect(!embedded.lines(user: 1, movie: 2).contains { $0.command.contains("console") })
  }

  @Test func passwordsAreNotShown() {
    var secured = lines
    secured.kafkaProperties = [
      "security.protocol": "SASL_PLAINTEXT", "sasl.username": "u", "sasl.password": "hidden",
    ]
    secured.kcatConfiguration = "/tmp/kcat.conf"
    secured.redis.username = "some one"
    secured.redis.password = "hidden"
    let text = PasteLines.text(secured.lines(user: 1, movie: 2))
    #expect(text.contains("kcat -P -F /tmp/kcat.conf -b 127.0.0.1:9 -t user-ratings"))
    #expect(text.contains("-p 6380 --user 'some one' --askpass --quoted-input"))
    let note = "write a client.properties with security.protocol, sasl.mechanism, sasl.jaas.config"
    #expect(text.contains("own tool; \(note)\n"))
    #expect(text.contains("--bootstrap-server 127.0.0.1:9 --producer.config client.properties"))
    #expect(text.contains("--bootstrap-server 127.0.0.1:9 --consumer.config client.properties"))
    #expect(!text.contains("hidden"))
  }

  @Test func onlyTheOpenDoorNeedsNoKey() {
    var lines = lines
    lines.redis.username = "u"
    lines.kafkaProperties = ["security.protocol": "plaintext", "fetch.wait.max.ms": "10"]
    let text = PasteLines.text(lines.lines(user: 1, movie: 2))
    #expect(!text.contains("client.properties") && !text.contains("--askpass"))
    lines.redis.password = "p"
    lines.redis.username = ""
    lines.kafkaProperties = ["security.protocol": "ssl"]
    let secured = PasteLines.text(lines.lines(user: 1, movie: 2))
    #expect(secured.contains("with security.protocol, ssl.truststore.location\n"))
    #expect(secured.contains("-p 6380 --askpass"))
  }
}

@Suite struct DashboardTests {
  private var dashboard: Dashboard {
    var dashboard = Dashboard(
      broker: "b", redis: "r", daemonLog: "/l", commandFile: "/c", user: 42)
    dashboard.progress.events = 100_836
    dashboard.progress.eventsPerSecond = 12_345
    dashboard.progress.lags = [.init(stage: .intake, lag: 1_000), .init(stage: .user, lag: 0)]
    dashboard.features = (0..<7).map { .init(name: "feature_\($0)", text: "\($0)") }
    dashboard.features.append(.init(name: SampleUser.countFeature, text: "57"))
    dashboard.commands = [PasteLine(title: "t", command: String(repeating: "c", count: 150))]
    return dashboard
  }

  private func reply(_ count: Int) throws -> ReplyRecord {
    let movies = (1...count).map {
      #"{"movie_id":\#($0),"title":"Movie \#($0)","genres":"A|B","score":4.25}"#
    }
    return try ReplyRecord(
      Array(
        #"{"user_id":42,"recommendations":[\#(movies.joined(separator: ","))],"strategy":"popular","latency_ms":1.5}"#
          .utf8))
  }

  @Test func restoresAreShown() throws {
    var board = StatusBoard()
    board.apply(EventMessage(time: 0, .snapshot(StatusBoard(stage: "user"), isReady: false)))
    #expect(board.restores == [])
    func restore(_ stage: String, applied: Int64, after elapsed: Duration) {
      let status = RestoreStatus(
        changelog: "app-\(stage)-changelog", partitions: 4, applied: applied, total: 500_000,
        elapsed: elapsed)
      board.apply(EventMessage(time: 0, .event(EngineEvent(stage: stage, .restoring(status)))))
    }
    restore("user", applied: 0, after: .zero)
    restore("movie", applied: 0, after: .zero)
    #expect(
      board.restores.map(\.changelog) == ["app-movie-changelog", "app-user-changelog"])
    restore("user", applied: 200_000, after: .seconds(2))
    board.apply(EventMessage(time: 0, .event(EngineEvent(stage: "movie", .processing([])))))
    var dashboard = dashboard
    dashboard.restores = board.restores
    let text = "restoring state: app-user-changelog 40 %, 100,000 records/s, 3 s left"
    #expect(dashboard.lines(columns: 100, rows: 60).contains(text))
    #expect(dashboard.summary.contains(text))
    board.apply(EventMessage(time: 0, .event(EngineEvent(stage: "user", .processing([])))))
    #expect(board.restores == [])
  }

  @Test func numbersAreShown() throws {
    var dashboard = dashboard
    dashboard.freshness = .init(p50: 4.26, p99: 123.4)
    dashboard.reply = try reply(10)
    let text = dashboard.lines(columns: 100, rows: 60).joined(separator: "\n")
    #expect(text.contains("100,836 events · 12,345/s"))
    #expect(text.contains("freshness p50 4.3 ms p99 123 ms"))
    #expect(text.contains("lag: intake 1,000 · user 0"))
    #expect(text.contains("   1  4.250  Movie 1  [A|B]"))
    #expect(text.contains("  10  4.250  Movie 10  [A|B]"))
    #expect(dashboard.summary.contains("user 42: 57 ratings"))
  }

  @Test func itKeepsItsHeight() throws {
    var dashboard = dashboard
    let empty = dashboard.lines(columns: 100, rows: 30)
    dashboard.reply = try reply(10)
    #expect(dashboard.lines(columns: 100, rows: 30).count == empty.count)
  }

  @Test func anErrorReplyIsShown() throws {
    var dashboard = dashboard
    dashboard.reply = try ReplyRecord(
      Array(#"{"error":{"code":"c","message":"No such thing."},"user_id":42}"#.utf8))
    #expect(
      dashboard.lines(columns: 100, rows: 40).contains("recommendations: No such thing."))
  }
}

@Suite struct ScreenTests {
  private let size = Screen.Size(columns: 10, rows: 20)

  @Test func onlyChangedLinesAreWrittenAgain() {
    var screen = Screen()
    let first = screen.update(["a", "b", "c"], size: size)
    #expect(first.contains("\u{1B}[2J") && first.contains("\u{1B}[3;1H\u{1B}[Kc"))
    #expect(screen.update(["a", "b", "c"], size: size).isEmpty)
    #expect(screen.update(["a", "B", "c"], size: size) == "\u{1B}[2;1H\u{1B}[KB")
  }

  @Test func wrappedLinesMoveThoseBelow() {
    var screen = Screen()
    let wide = String(repeating: "w", count: 11)
    #expect(screen.update([wide, "b"], size: size).contains("\u{1B}[3;1H\u{1B}[Kb"))
    // Another height moves everything: all is drawn again.
    #expect(screen.update(["a", "b"], size: size).contains("\u{1B}[2J"))
    #expect(
      screen.update(["a", "b"], size: .init(columns: 20, rows: 20)).contains("\u{1B}[2J"))
  }
}
