import ArgumentParser
import Foundation
import Logging
import Testing

@testable import Configuration
@testable import Console
@testable import projectionist

@Suite struct CommandTests {
  @Test func commonOptionsBecomeSettings() throws {
    let options = try CommonOptions.parse([
      "--bootstrap-servers", "a:1", "--log-level", "debug", "--set", "redis.password=a=b",
      "--set", "feast.project=films",
    ])
    let settings = try options.load().settings
    #expect(settings.bootstrapServers == "a:1")
    #expect(settings.log.level == .debug)
    #expect(settings.redis.password == "a=b")
    #expect(settings.feast.project == "films")
    #expect(throws: (any Error).self) { try CommonOptions.parse(["--set", "redis.port"]) }
  }

  @Test func shortFlagsOfTheFieldWork() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
    try Data("application: films\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let options = try CommonOptions.parse(["-b", "a:1", "-c", file.path])
    #expect(options.source.fileInUse == file.path)
    #expect(try options.load().settings.bootstrapServers == "a:1")
    let predict = try PredictCommand.parse(["7", "-n", "3", "-c", "p.yaml", "-b", "a:1"])
    #expect(predict.count == 3 && predict.common.file == "p.yaml")
  }

  @Test(arguments: [
    ["help"], ["help", "run"], ["help", "state", "verify"], ["help", "help"], ["run", "help"], [],
    ["--version"], ["topics"], ["topics", "--json"], ["topics", "show", "nope"], ["load", "dir"],
    ["topics", "help", "show"], ["--generate-completion-script", "bash"], ["help", "--help"],
  ])
  func namesOfCommandsPass(_ arguments: [String]) {
    #expect(throws: Never.self) { try CommandNames.check(arguments) }
  }

  @Test(arguments: [
    (["help", "nope"], "nope"), (["help", "predit"], "`projectionist predict`"),
    (["help", "state", "verfy"], "`projectionist state verify`"), (["nope"], "--help` lists all"),
    (["topics", "shw"], "`projectionist topics show`"),
    (["pedict", "5"], "`projectionist predict`"),
  ])
  func anUnknownCommandNamesTheNearest(_ arguments: [String], _ text: String) {
    let failure = #expect(throws: CommandFailure.self) { try CommandNames.check(arguments) }
    #expect(failure?.status == .usage && failure?.message.contains(text) == true)
  }

  @Test(arguments: [["predict", "-5"], ["features", "-1.5"], ["predict", "1", "--count", "-1"]])
  func aNegativeNumberIsNamed(_ arguments: [String]) {
    let failure = #expect(throws: CommandFailure.self) { try NegativeNumber.check(arguments) }
    #expect(failure?.status == .usage)
    #expect(failure?.message.hasPrefix("\(arguments.last ?? "") is negative") == true)
  }

  @Test(arguments: [["load", "--", "-5"], ["check", "-b", "a:1", "--set", "x=-5"], ["-"], []])
  func otherArgumentsAreNoNegativeNumbers(_ arguments: [String]) {
    #expect(throws: Never.self) { try NegativeNumber.check(arguments) }
  }

  @Test(arguments: ["", " ", ","]) func noGenreIsNoGenres(_ genres: String) {
    #expect(throws: (any Error).self) { try PredictCommand.parse(["7", "--genres", genres]) }
  }

  @Test func aDiskThatIsFullIsNamed() throws {
    let failure = try #require(throws: CommandFailure.self) {
      try GenerateCommand.parse(["--ratings", "10", "--output", "/dev/full"]).run()
    }
    #expect(failure.message == "/dev/full can't be written: No space left on device")
    // It is still the device.
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func aMissingFileIsNamed() throws {
    let options = try CommonOptions.parse(["--config", "/nowhere/projectionist.yaml"])
    let expected = "the configuration file /nowhere/projectionist.yaml is not there"
    #expect(throws: ConfigurationError(problems: [expected])) { try options.load() }
  }

  @Test func everySubcommandExplainsItself() {
    let help = Projectionist.helpMessage(columns: 100)
    for group in Commands.groups {
      for subcommand in group.subcommands {
        #expect(!subcommand.configuration.abstract.isEmpty)
        // The demo calls it, nobody else does.
        if subcommand == DemoCaretakerCommand.self { continue }
        #expect(help.contains(subcommand.configuration.commandName ?? subcommand._commandName))
      }
    }
    for status in ExitStatus.allCases { #expect(help.contains(status.meaning)) }
  }

  @Test func tableColumnsAreAligned() {
    var table = TextTable(["NAME", "N"], rightAligned: [1])
    table.append(["a", "100"])
    table.append(["longer", "2"])
    #expect(table.description == "NAME      N\na       100\nlonger    2\n")
  }
}
