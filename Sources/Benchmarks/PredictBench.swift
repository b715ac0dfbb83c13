import Configuration
import Console
import Foundation
import KafkaLog
import Processes
import Recommender
import SampleData

/// Requests answered per second, and how long each takes.
package struct PredictBench {
  private let clients: [Int]
  private let seconds: Double
  private let warmUpSeconds: Double
  private let recommendations: Int
  private let events: Int
  private let factors: Int
  private let batch: Int
  private let requestRate: Double
  private let ratingRate: Double
  private let inProcessOnly: Bool
  private let options: BenchOptions

  package init(
    _ options: BenchOptions, clients: [Int], seconds: Double, warmUpSeconds: Double,
    recommendations: Int, events: Int, factors: Int, batch: Int, requestRate: Double,
    ratingRate: Double, inProcessOnly: Bool
  ) {
    self.clients = clients
    self.seconds = seconds
    self.warmUpSeconds = warmUpSeconds
    self.recommendations = recommendations
    self.events = events
    self.factors = factors
    self.batch = batch
    self.requestRate = requestRate
    self.ratingRate = ratingRate
    self.inProcessOnly = inProcessOnly
    self.options = options
  }

  package func run() throws -> BenchReport {
    if inProcessOnly {
      let model = makeModel()
      return try BenchBed.withoutTopics { check in
        var report = BenchReport("predict")
        report.figures = try rank(model, check: check)
        return report
      }
    }
    return try BenchBed.use(options) { bed in
      let streamed = requestRate > 0 ? Int(ratingRate * (seconds + warmUpSeconds)) : 0
      try bed.topics.checkRoom(for: events + streamed, partitions: options.partitions)
      var report = BenchReport("predict")
      var model: BenchModel?
      if factors > 0 {
        let made = makeModel()
        report.figures += try rank(made, check: bed.check)
        try made.publish(to: bed.log, bed.settings.topology)
        model = made
      }
      var workload = try Workload(bed, events: events + streamed, invalid: 0)
      var users: Set<Int64> = []
      let daemon = try bed.process(&workload, events: events) { users.insert($0) }
      let load = try RequestLoad(bed, users: users.sorted(), count: recommendations)
      defer { load.close() }
      report.figures += [
        .count("events before", "", "events", events), .count("users", "", "users", users.count),
        .count("movies of the model", "", "model_movies", model?.model.movies.count ?? 0),
        .count("factors", "", "factors", factors),
        .decimal("measured for", "s", "measured_seconds", seconds, digits: 0),
      ]
      for count in clients {
        report.columns.append(try measure(load, count, bed, daemon))
      }
      if requestRate > 0 {
        report.columns.append(
          try measureStream(load, workload.takeGenerator(), streamed, bed, daemon))
      }
      report.figures += Self.memory(of: daemon)
      return report
    }
  }

  // MARK: In this process

  private func makeModel(_ lengths: BenchModel.Lengths = .trained) -> BenchModel {
    BenchModel(movies: options.movies, factors: factors, lengths: lengths, seed: options.seed)
  }

  private func rank(_ model: BenchModel, check: () throws -> Void) throws -> [Figure] {
    let directory = try TemporaryDirectory("bench-state")
    defer { directory.remove() }
    let result = try RankingBench(
      model: model.model, equalLengths: makeModel(.equal).model, movies: try movies(),
      batch: batch, count: recommendations, seconds: seconds
    ).run(in: directory.file("state"), check: check)
    let percent = 100 / max(result.products, 1)
    return [
      .count("requests in a batch", "", "batch", batch),
      .decimal("ratings of a user", "", "ratings_per_user", result.ratings, digits: 0),
      .decimal("bytes of a reply", "", "reply_bytes", result.replyBytes, digits: 0),
      .decimal(
        "bare matrix product", "users/s", "product_users_per_second", result.products, digits: 0),
      .decimal(
        "  movies on its left", "users/s", "movie_product_users_per_second",
        result.productsOfMovies, digits: 0),
      .decimal(
        "answered on one thread", "users/s", "answered_users_per_second", result.answers, digits: 0
      ),
      .decimal(
        "  share of the bare product", "%", "answered_percent_of_product",
        result.answers * percent, digits: 1),
      .decimal(
        "all movies equally long", "users/s", "equal_lengths_users_per_second",
        result.answersAtEqualLengths, digits: 0),
      .decimal(
        "  share of the bare product", "%", "equal_lengths_percent_of_product",
        result.answersAtEqualLengths * percent, digits: 1),
    ]
  }

  /// The catalog that the workload loads.
  private func movies() throws -> [MovieRecord] {
    let generator = MovieGenerator(count: options.movies, seed: options.seed)
    var parser = MovieRecordParser()
    var movies: [MovieRecord] = []
    var value: [UInt8] = []
    var progress = ProgressBar("catalog", unit: "movies", goal: .count(options.movies))
    for movie in 1...Int64(options.movies) {
      value.removeAll(keepingCapacity: true)
      generator.append(movie, to: &value)
      movies.append(try parser.parse(value.span.bytes))
      progress.update(movies.count)
    }
    progress.close(movies.count)
    return movies
  }

  // MARK: Over the topics

  private func measure(
    _ load: RequestLoad, _ clients: Int, _ bed: BenchBed, _ daemon: ChildProcess
  ) throws -> BenchReport.Column {
    let title = clients == 1 ? "1 client" : "\(clients) clients"
    _ = try load.run(
      clients: clients, for: .seconds(warmUpSeconds), label: "\(title), warm-up", check: bed.check)
    let cpu = ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0
    let result = try load.run(
      clients: clients, for: .seconds(seconds), label: title, check: bed.check)
    return Self.column(
      title, "clients_\(clients)", clients, result,
      cpu: (ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0) - cpu)
  }

  /// - Parameter count: ratings to produce meanwhile.
  private func measureStream(
    _ load: RequestLoad, _ generator: consuming RatingGenerator, _ count: Int, _ bed: BenchBed,
    _ daemon: ChildProcess
  ) throws -> BenchReport.Column {
    var producer: BenchThread<Duration>?
    let stream = FreshnessStream(
      log: bed.log, topology: bed.settings.topology, rate: max(ratingRate, 1), count: count,
      warmUp: count)
    if count > 0 {
      let box = GeneratorBox(generator)
      producer = BenchThread("bench-producer") { try stream.produce(box) }
    }
    let check = {
      try bed.check()
      try producer?.check()
    }
    let title = "\(Int(requestRate))/s, \(Int(ratingRate)) ratings/s"
    let result: RequestLoad.Result
    let cpu: Double
    do {
      defer { stream.stop() }
      _ = try load.run(
        perSecond: requestRate, for: .seconds(warmUpSeconds), label: "\(title), warm-up",
        check: check)
      cpu = ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0
      result = try load.run(
        perSecond: requestRate, for: .seconds(seconds), label: title, check: check)
    }
    let used = (ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0) - cpu
    _ = try producer?.join()
    return Self.column(title, "open_loop", 0, result, cpu: used)
  }

  /// - Parameter cpu: seconds the daemon has used.
  private static func column(
    _ title: String, _ key: String, _ clients: Int, _ result: RequestLoad.Result, cpu: Double
  ) -> BenchReport.Column {
    let replies = Double(max(result.latencies.count, 1))
    return BenchReport.Column(
      title: title, key: key,
      figures: [
        .count("clients", "", "clients", clients),
        .decimal(
          "rate", "requests/s", "requests_per_second",
          Double(result.latencies.count) / (result.took / .seconds(1)), digits: 0),
      ] + result.latencies.figures + [
        .count("errors", "replies", "error_replies", result.errors),
        .count("unanswered", "requests", "unanswered_requests", result.unanswered),
        .decimal(
          "CPU of the daemon", "µs/request", "cpu_microseconds_per_request", cpu / replies * 1e6),
      ])
  }

  private static func memory(of daemon: ChildProcess) -> [Figure] {
    guard let usage = ProcessUsage(of: daemon.processID) else { return [] }
    return [
      .bytes("peak RSS of the daemon", "peak_rss_bytes", usage.peakBytes),
      .bytes("its own memory at the end", "anonymous_bytes", usage.anonymousBytes),
      .bytes("mapped files at the end", "mapped_bytes", usage.mappedBytes),
    ]
  }
}
