import ArgumentParser
import Benchmarks

/// `projectionist bench restore`
struct RestoreBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "From an empty state directory to all state, out of the changelogs.",
    discussion: """
      Events are processed once; then the daemon is stopped, its state deleted, and the daemon \
      started again, as often as --runs says. What it has restored is compared with what was \
      deleted, byte for byte. Each run is printed next to the rate at which a bare consumer reads \
      the same changelogs (read_committed). The figures are medians. The bar is 500,000 records/s, or \
      80 % of the bare consumer's rate where that is less. The memory that is the daemon's own must \
      not grow with the changelogs: neither from quarter to quarter of a restore, nor with --events.
      """)

  @Option(help: "How many events the state is made of.")
  var events = 2_000_000

  @Option(help: "How often to restore it.")
  var runs = 3

  @OptionGroup var arguments: BenchArguments

  func validate() throws {
    try NumberBounds.events.check(events, "--events")
    try (1...1000).check(runs, "--runs")
  }

  func run() throws {
    try arguments.report {
      try RestoreBench(arguments.options, events: events, runs: runs).run()
    }
  }
}
