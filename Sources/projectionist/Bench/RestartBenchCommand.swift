import ArgumentParser
import Benchmarks

/// `projectionist bench restart`
struct RestartBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart",
    abstract: "From the start of a daemon that was killed to its first new event.",
    discussion: """
      While events come in at a rate, the daemon is killed (kill -9) at a random moment and \
      started again, with its state in place. The time runs until a read_committed consumer sees, on \
      user-features, an event that was produced after the kill. The daemon's events tell the \
      parts, of which two are the broker's: ending the predecessor's transactions, and giving the \
      partitions out again. A state that is ten times as large must make no difference. All times \
      are medians of the kills.
      """)

  @Option(help: "How many events the state is made of; several, rising, for several states.")
  var events = EventCounts([200_000, 2_000_000])

  @Option(help: "How often the daemon is killed, with each state.")
  var kills = 5

  @Option(help: "Events per second while it is killed.")
  var rate = 1_000.0

  @OptionGroup var arguments: BenchArguments

  func validate() throws {
    try (1...1000).check(kills, "--kills")
    try (1...100_000).check(rate, "--rate")
    try NumberBounds.events.check(events.values.last, "--events")
  }

  func run() throws {
    try arguments.report {
      try RestartBench(arguments.options, events: events.values, kills: kills, rate: rate).run()
    }
  }
}

/// Rising numbers of events: `200000,2000000`.
struct EventCounts: ExpressibleByArgument, Equatable {
  var values: [Int]

  init(_ values: [Int]) {
    self.values = values
  }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Int($0) }
    guard values.count == parts.count, values.first ?? 0 > 0,
      zip(values, values.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}
