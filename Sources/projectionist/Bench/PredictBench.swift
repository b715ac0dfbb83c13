import ArgumentParser
import EventLog
import Foundation
import KafkaLog
import Pipeline

/// `projectionist bench predict`
struct PredictBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Requests answered per second, and how long each takes.",
    discussion: """
      Each client sends a request for a random known user, waits for its reply on recommendations, \
      and sends the next. All clients share one producer and one consumer.
      """)

  @Option(help: ArgumentHelp("How many clients; a list measures each.", valueName: "1,4,16"))
  var clients = ClientCounts([1])

  @Option(help: "How long to measure each.")
  var seconds = 20.0

  @Option(help: "How long to ask before that, without measuring.")
  var warmUpSeconds = 2.0

  @Option(help: "Movies asked for in a request, 1 to 100.")
  var recommendations = 10

  @Option(help: "Events loaded before.")
  var events = 200_000

  @OptionGroup var options: BenchOptions

  func validate() throws {
    guard seconds > 0, seconds <= 86_400, warmUpSeconds >= 0, events > 0 else {
      throw ValidationError("--seconds and --events must be above 0, --warm-up-seconds 0 or more.")
    }
  }

  func run() throws {
    try BenchBed.use(options) { bed in
      try bed.topics.checkRoom(for: events, partitions: options.partitions)
      var workload = try Workload(bed, events: events, invalid: 0)
      var users: Set<Int64> = []
      try workload.preload(events) { users.insert($0) }
      let daemon = try bed.startDaemon()
      let watch = try LagWatch(bed, daemon)
      defer { watch.close() }
      var progress = ProgressBar("ingest", unit: "events", goal: .count(events))
      _ = try watch.wait { progress.update(min($0, events)) }
      progress.finish(events)
      let load = try RequestLoad(bed, users: users.sorted(), count: recommendations)
      defer { load.close() }
      var report = BenchReport("predict")
      report.figures = [
        .count("events before", "", "events", events), .count("users", "", "users", users.count),
        .decimal("measured for", "s", "measured_seconds", seconds, digits: 0),
      ]
      for count in clients.values {
        report.columns.append(try measure(load, count, bed, daemon))
      }
      return report
    }
  }

  private func measure(
    _ load: RequestLoad, _ clients: Int, _ bed: BenchBed, _ daemon: ChildProcess
  ) throws -> BenchReport.Column {
    _ = try load.run(clients: clients, for: .seconds(warmUpSeconds), check: bed.check)
    let cpu = ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0
    let result = try load.run(clients: clients, for: .seconds(seconds), check: bed.check)
    let used = (ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0) - cpu
    let replies = Double(max(result.latencies.count, 1))
    return BenchReport.Column(
      title: clients == 1 ? "1 client" : "\(clients) clients", key: "clients_\(clients)",
      figures: [
        .count("clients", "", "clients", clients),
        .decimal(
          "rate", "requests/s", "requests_per_second",
          Double(result.latencies.count) / (result.took / .seconds(1)), digits: 0),
      ] + result.latencies.figures + [
        .count("errors", "replies", "error_replies", result.errors),
        .count("unanswered", "requests", "unanswered_requests", result.unanswered),
        .decimal(
          "CPU of the daemon", "µs/request", "cpu_microseconds_per_request", used / replies * 1e6),
      ])
  }
}

/// `1,4,16` on the command line.
struct ClientCounts: ExpressibleByArgument, Equatable {
  var values: [Int]

  init(_ values: [Int]) {
    self.values = values
  }

  init?(argument: String) {
    values = argument.split(separator: ",").compactMap { Int($0) }
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    guard !values.isEmpty, values.count == parts.count, Set(values).count == values.count,
      values.allSatisfy({ (1...10_000).contains($0) })
    else { return nil }
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}
