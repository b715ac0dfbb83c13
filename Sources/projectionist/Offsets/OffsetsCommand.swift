import ArgumentParser
import Console
import Foundation
import Operations
import Pipeline
import Streams

/// `projectionist offsets`
struct OffsetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "offsets",
    abstract: "Show where the stages' groups stand, and settle offsets that others have set.",
    discussion: """
      Every offset that a stage commits carries a stamp. One without it was set by somebody else: \
      by kafka-consumer-groups, or by another consumer that used the group's name. One behind the \
      stage's own position is a replay, which intake carries out. One ahead would skip events: the \
      daemon stops with foreign_offset, until it is accepted or undone here. The user and movie \
      stages always go on where their state stands.
      """,
    subcommands: [List.self, Accept.self, Restore.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print each partition's offset, who has set it, and where the stage stood.",
      discussion: "OWN is where the stage stood, as it has recorded in the log.")

    @OptionGroup var common: CommonOptions
    @OptionGroup var choice: StageChoice
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("offsets")
      var output: [OffsetOutput] = []
      for stage in choice.stage.map({ [$0] }) ?? StageOffsets.movable {
        output += try StageOffsets(stage, settings, logger).reports()
          .map { OffsetOutput(stage.name, $0) }
      }
      if json { return print(try JSONText.of(output)) }
      print(OffsetOutput.table(output), terminator: "")
    }
  }

  struct Accept: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a stage go on at the offsets that are there, although events are skipped.",
      discussion: """
        For a reset that is meant: to skip events with kafka-consumer-groups --to-latest, say; for \
        events that retention has deleted before they were processed; and for a topic that was \
        deleted and created again, which is then read from its beginning. Stop every instance first. \
        The group's offset is set again with a stamp that says so.
        """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var choice: MovableStage
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("offsets")
      let accepted = try StageOffsets(choice.stage, settings, logger).accept(onWait: announceWait)
      if json { return print(try JSONText.of(accepted)) }
      if accepted.isEmpty { return print("nothing to accept") }
      show(accepted)
    }
  }

  struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Undo what others have set: let a stage go on where it stood.",
      discussion: """
        For a group that somebody else has used or reset by mistake: no event is skipped and none is \
        read twice. Stop every instance first.
        """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var choice: MovableStage
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("offsets")
      let restored = try StageOffsets(choice.stage, settings, logger)
        .restore(onWait: announceWait)
      if json { return print(try JSONText.of(restored)) }
      if restored.isEmpty { return print("nothing to restore") }
      show(restored)
    }
  }
}

private func show(_ settled: [SettledOffset]) {
  for each in settled {
    let place = each.offset.map { "\($0)" } ?? "where its state stands"
    print("\(each.topic)[\(each.partition)]: goes on at \(place)")
  }
}

private func announceWait(_ members: [String]) {
  let names = members.joined(separator: ", ")
  FileHandle.standardError.write(
    Data("waiting until the group has no members (\(names))\n".utf8))
}

/// A stage, or all whose offsets can be settled.
struct StageChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp("Only this stage: \(StageChoice.names).", valueName: "stage"),
    transform: StageChoice.stage)
  var stage: StageDeclaration?

  static let names = StageOffsets.movable.map(\.name).joined(separator: " or ")

  static func stage(_ text: String) throws -> StageDeclaration {
    guard let stage = StageOffsets.movable.first(where: { $0.name == text }) else {
      throw ValidationError("--stage \(text): only \(names) can be moved")
    }
    return stage
  }
}

/// The stage whose offsets are settled.
struct MovableStage: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The stage: \(StageChoice.names); \(StageOffsets.movable[0].name) by default.",
      valueName: "stage"),
    transform: StageChoice.stage)
  var stage: StageDeclaration = StageOffsets.movable[0]
}

/// What `offsets list` prints of a partition.
struct OffsetOutput: Encodable {
  var stage: String
  var topic: String
  var partition: Int32
  var committed: Int64?
  var setBy: String
  var own: Int64?
  var logStart: Int64
  var logEnd: Int64
  var status: String

  private enum CodingKeys: String, CodingKey {
    case stage, topic, partition, committed, own, status
    case setBy = "set_by"
    case logStart = "log_start"
    case logEnd = "log_end"
  }

  init(_ stage: String, _ report: OffsetReport) {
    self.stage = stage
    topic = report.topic
    partition = report.partition
    committed = report.committed
    setBy = report.setter.rawValue
    own = report.own
    logStart = report.held.lowerBound
    logEnd = report.held.upperBound
    status = report.loss ?? report.status
  }

  static func table(_ output: [OffsetOutput]) -> String {
    var table = TextTable(
      ["STAGE", "TOPIC", "PARTITION", "COMMITTED", "SET BY", "OWN", "LOG", "STATUS"],
      rightAligned: [2, 3, 5, 6])
    for line in output {
      table.append([
        line.stage, line.topic, "\(line.partition)", line.committed.map { "\($0)" } ?? "",
        line.setBy, line.own.map { "\($0)" } ?? "", "\(line.logStart)-\(line.logEnd)", line.status,
      ])
    }
    return table.description
  }
}
