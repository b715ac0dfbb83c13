import EventLog
import Streams

/// What happens after the calm, to a log that was processed to its end.
extension SeededRun {
  /// Unprocessed input that is gone is reported by name and changes nothing.
  func outliveRetention() throws {
    try scenario.feed(&random)
    guard try scenario.deleteUnprocessedInput() else { return }
    note("delete unprocessed input")
    try stopsByName(.offsetBelowLogStart)
  }

  /// So is an input that was deleted and recreated.
  func outliveRemaking() throws {
    guard let code = try scenario.remakeInput() else { return }
    note("recreate an input")
    try stopsByName(code)
  }

  /// So are stores that are of another log.
  func outliveAnotherLog() throws {
    guard let code = try scenario.replaceLog(&random) else { return }
    note("put another log in place")
    try stopsByName(code)
  }

  /// Offsets that somebody else has set skip nothing.
  func outliveForeignOffsets() throws {
    try scenario.feed(&random)
    guard let foreign = try scenario.foreignOffsets(&random) else { return }
    note("somebody else sets the offsets of \(foreign.group)")
    log.setForeignOffsets(foreign.offsets, of: foreign.group)
    if foreign.isRefused {
      try stopsByName(.foreignOffset)
      note("restore the offsets")
      try scenario.restoreOffsets()
    }
    try processesEverything()
  }

  /// A stranger that joins a group, takes partitions and commits skips nothing.
  func outliveStranger() throws {
    expectedFailure = .foreignOffset
    let first = instances[0]
    start(first)
    try sleep(Self.session * 2)
    let stranger = SimulatedProcess("stranger", scheduler: scheduler)
    let leave = StopSignal()
    let (group, topics) = scenario.borrowed
    note("a stranger joins \(group)")
    let thread = scheduler.spawn("stranger", of: stranger) { [self] in
      Stranger(log.connected(stranger), group: group, topics: topics).run(until: leave)
    }
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      try scenario.feed(&random)
      try rest()
    }
    leave.stop()
    try wait(limit: .seconds(60)) { scheduler.hasEnded(thread) ? nil : "the stranger stays" }
    note("the stranger has left \(group)")
    try wait(limit: .seconds(600)) {
      first.hasEnded(scheduler) ? nil : try scenario.remaining()
    }
    first.stop.stop()
    try waitForEnd(of: first)
    if first.failure != nil {
      note("restore the offsets")
      try scenario.restoreOffsets()
    }
    try processesEverything()
  }

  private func processesEverything() throws {
    expectedFailure = nil
    start(instances[0])
    try wait(limit: .seconds(600)) { try scenario.remaining() }
    try sleep(.seconds(2))
    try stopAll()
    try checkDisks()
    try scenario.checkDrained()
  }

  private func stopsByName(_ code: Reason.Code) throws {
    expectedFailure = code
    let first = instances[0]
    start(first)
    try waitForEnd(of: first)
    guard first.failure != nil else { throw Violation("there was no \(code.rawValue)") }
    try checkDisks()
  }
}

/// A consumer of somebody else's under a stage's group id: it commits what it reads, without a
/// stamp.
private struct Stranger {
  private let log: MemoryLog
  private let configuration: ConsumerConfiguration

  init(_ log: MemoryLog, group: String, topics: [String]) {
    self.log = log
    configuration = ConsumerConfiguration(topics: topics, group: group, clientID: "stranger")
  }

  func run(until leave: StopSignal) {
    // No fault ever meets it.
    try? consume(until: leave)
  }

  private func consume(until leave: StopSignal) throws(LogError) {
    let consumer = try log.makeConsumer(configuration)
    defer { consumer.close() }
    while !leave.isStopped {
      var read: [TopicPartition: Int64] = [:]
      let result = try consumer.pollRuns(maxRecords: 5, timeout: .milliseconds(50)) { run in
        read[TopicPartition(configuration.topics[run.topic], run.partition)] = run.lastOffset + 1
        return true
      }
      try consumer.commit(read, wait: true)
      switch result.rebalance {
      case .assigned(let partitions):
        let committed = try consumer.committed(partitions)
        try consumer.assign(partitions.map { ($0, committed[$0].map { .at($0) } ?? .beginning) })
      case .revoked(let partitions), .lost(let partitions): try consumer.unassign(partitions)
      case nil: break
      }
    }
  }
}
