import ArgumentParser
import Benchmarks

/// `projectionist bench ingest`
struct IngestBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ingest",
    abstract: "From a cold daemon to zero lag on every stage, with events already there.",
    discussion: """
      Events have null keys. The daemon's figures are printed next to the rate at which a bare \
      consumer reads the same events. Afterwards all topics are read back: an event without its verdict, or \
      with the wrong one, makes the command fail.
      """)

  @Option(help: "How many events, invalid ones included.")
  var events = 2_000_000

  @Option(help: "The share of events that are bad, in many ways.")
  var invalid = Share(0.01)

  @OptionGroup var arguments: BenchArguments

  func validate() throws {
    try NumberBounds.events.check(events, "--events")
  }

  func run() throws {
    try arguments.report {
      try IngestBench(arguments.options, events: events, invalid: invalid.value).run()
    }
  }
}
