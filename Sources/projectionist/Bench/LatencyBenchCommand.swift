import ArgumentParser
import Benchmarks

/// `projectionist bench latency`
struct LatencyBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency",
    abstract: "The time from an event's production to its user's features.",
    discussion: """
      Events are produced evenly at a rate, with their user as key. Each is timed until a \
      read_committed consumer sees, on user-features, the first record of its user that contains \
      it. For Redis one event at a time is watched, by reading its user's row every millisecond.
      """)

  @Option(help: "Events per second.")
  var rate = 1_000.0

  @Option(help: "How long to measure.")
  var seconds = 60.0

  @Option(help: "How long to produce before that, without measuring.")
  var warmUpSeconds = 5.0

  @Option(help: "Events loaded before anything is timed.")
  var events = 10_000

  @OptionGroup var arguments: BenchArguments

  func validate() throws {
    try (1...1_000_000).check(rate, "--rate")
    try BenchArguments.seconds.check(seconds, "--seconds")
    try NumberBounds.seconds.check(warmUpSeconds, "--warm-up-seconds")
    try (0...NumberBounds.events.upperBound).check(events, "--events")
  }

  func run() throws {
    try arguments.report {
      try LatencyBench(
        arguments.options, rate: rate, seconds: seconds, warmUpSeconds: warmUpSeconds,
        events: events
      ).run()
    }
  }
}
