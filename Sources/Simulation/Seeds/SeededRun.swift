import Logging
public import Streams

/// One seed: a scenario, the instances that run it, and everything that goes wrong.
///
/// First comes a time of trouble: the *director*, a script on the calling thread, feeds the input,
/// starts, kills, stops, stalls and cuts off processes, expels members, damages disks, and cleans
/// the log, while single effects fail on their own (`FaultPlan`). Then comes a calm, in which all
/// input must get processed. Then the disks are wiped, and one instance must restore all state from
/// the changelogs.
// Only the holder of the scheduler's baton touches it: the director, or a thread in `pass`.
public final class SeededRun<S: Scenario>: @unchecked Sendable {
  /// What a scenario is made from.
  public struct World {
    public let log: MemoryLog
    public let scheduler: Scheduler
    public let guarantee: ProcessingGuarantee
    public let canary: Canary?
  }

  static var session: Duration { .seconds(10) }
  static var transaction: Duration { .seconds(15) }
  private static var stepLimit: Int { 400_000 }

  let scheduler: Scheduler
  let log: MemoryLog
  let scenario: S
  let guarantee: ProcessingGuarantee
  let options: SimulationOptions
  let instances: [Instance]
  let trace: TraceLog?
  var random: SeededGenerator
  var events = SeedEvents()
  /// Whether faults have ended.
  var isCalm = false
  /// The group that must read everything again because its offsets were moved.
  var groupToReplay: String?
  /// When brokers can be reached again.
  var outageUntil: Duration = .zero
  private(set) var violation: Violation?
  private let seed: UInt64
  private let name: String

  /// - Parameter makeScenario: also creates the topics.
  public init(
    seed: UInt64, name: String, options: SimulationOptions,
    makeScenario: (World, inout SeededGenerator) -> S
  ) {
    self.seed = seed
    self.name = name
    self.options = options
    var random = SeededGenerator(seed: seed)
    let drawn: ProcessingGuarantee = random.oneIn(2) ? .atLeastOnce : .exactlyOnce
    guarantee = options.guarantee ?? drawn
    let log = MemoryLog(
      timeouts: BrokerTimeouts(session: Self.session, transaction: Self.transaction),
      fencesMembers: options.canary != .unfenced)
    self.log = log
    scheduler = Scheduler(
      seed: random.next(), switchRate: [2, 4, 10, 30][Int.random(in: 0..<4, using: &random)],
      onTick: { log.passTime(to: $0) })
    trace = options.traces ? TraceLog() : nil
    let count = [1, 2, 2, 3][Int.random(in: 0..<4, using: &random)]
    instances = ["a", "b", "c"].prefix(count).map(Instance.init)
    scenario = makeScenario(
      World(log: log, scheduler: scheduler, guarantee: guarantee, canary: options.canary), &random)
    self.random = random
  }

  /// Runs the seed on the calling thread and threads of its own.
  public func run() -> SeedReport {
    var report = SeedReport(
      seed: seed, scenario: name, guarantee: guarantee, instances: instances.count)
    do {
      try live()
    } catch let found as Violation {
      fail(found)
    } catch {
      fail(Violation("the simulation has failed: \(error)"))
    }
    end()
    report.violation = violation
    report.steps = scheduler.steps
    report.simulated = scheduler.now
    report.events = events
    report.trace = trace?.all ?? []
    return report
  }

  // MARK: What goes wrong

  /// Records the first violation and ends everything.
  func fail(_ found: Violation) {
    guard violation == nil else { return }
    violation = found
    note("VIOLATION: \(found)")
    for instance in instances { instance.process?.kill() }
  }

  func note(_ what: String) {
    trace?.note(what, at: scheduler.now, by: scheduler.current)
  }

  private func checking(_ body: () throws -> Void) {
    guard violation == nil else { return }
    do { try body() } catch let found as Violation { fail(found) } catch {
      fail(Violation("a check has failed: \(error)"))
    }
  }

  /// Hands new facts to the scenario.
  func checkFacts() {
    for fact in log.takeFacts() {
      if let trace {
        trace.note("  ✓ \(TraceLog.text(fact))", at: scheduler.now, by: scheduler.current)
      }
      checking { try scenario.check(fact) }
    }
  }

  /// - Throws: the violation found meanwhile, if any.
  func sleep(_ duration: Duration) throws {
    scheduler.sleep(duration)
    checkFacts()
    if violation == nil, scheduler.steps > Self.stepLimit {
      fail(Violation("no end after \(Self.stepLimit) steps"))
    }
    if let violation { throw violation }
  }

  /// - Parameter remaining: describes what is still missing; `nil` for nothing.
  func wait(limit: Duration, for remaining: () throws -> String?) throws {
    let deadline = scheduler.now + limit
    while let what = try remaining() {
      guard scheduler.now < deadline else { throw Violation("after \(limit) of calm \(what)") }
      try sleep(.milliseconds(200))
    }
  }

  /// Ends all threads.
  private func end() {
    for instance in instances { instance.process?.kill() }
    while !instances.allSatisfy({ $0.hasEnded(scheduler) }) { scheduler.sleep(.milliseconds(1)) }
    // Processes refer to the run.
    for instance in instances { instance.release() }
    log.disband()
  }

  // MARK: Processes

  func start(_ instance: Instance) {
    let stop = StopSignal()
    let plan = FaultPlan(&random)
    let process = SimulatedProcess(
      instance.name,
      delivery: random.oneIn(3) ? .immediate : .seeded(random.next()),
      maxFetchRecords: Int.random(in: 1...30, using: &random), scheduler: scheduler,
      faults: { [self] moment in fault(of: moment, plan, instance) },
      onEffect: { [self] moment, outcome in took(moment, outcome) })
    instance.begin(process, stop)
    note("start instance \(instance.name)")
    let storage = instance.disk.mounted(process) { [self] stage, partition in
      checkFacts()
      let place = StorePlace(stage: stage, partition: partition)
      checking { try scenario.check(place, in: instance.disk) }
    }
    let context = InstanceContext(
      name: instance.name, process: process, log: log.connected(process), storage: storage,
      scheduler: scheduler, stop: stop, logger: makeLogger(),
      commitSteps: options.canary?.commitSteps)
    for stage in scenario.stages {
      instance.add(
        thread: scheduler.spawn("\(instance.name)/\(stage)", of: process) { [self] in
          do throws(StageError) { try scenario.run(stage, on: context) } catch {
            ended(instance, process, stage, error)
          }
        })
    }
  }

  private func makeLogger() -> Logger {
    guard let trace else { return Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }) }
    let scheduler = self.scheduler
    return Logger(label: "", factory: { _ in TraceHandler(trace, scheduler) })
  }

  private func fault(
    of moment: SimulatedProcess.Moment, _ plan: FaultPlan, _ instance: Instance
  ) -> SimulatedProcess.Fault? {
    guard !isCalm else { return nil }
    if moment.effect == .writeElsewhere, random.oneIn(50), let process = instance.process {
      // The rest of the batch is written after others have gone on.
      silence(instance, process, cutsOff: false)
    }
    let isCutOff = max(outageUntil, instance.cutOffUntil) > scheduler.now
    let fault = plan.fault(of: moment, isCutOff: isCutOff, &random)
    if fault != nil { events.faults += 1 }
    return fault
  }

  private func took(_ moment: SimulatedProcess.Moment, _ outcome: SimulatedProcess.Outcome) {
    if let trace, moment.effect != .poll || !outcome.isDone {
      trace.note(TraceLog.text(moment, outcome), at: scheduler.now, by: scheduler.current)
    }
    switch outcome {
    case .done where moment.effect == .commitStore: events.storeCommits += 1
    case .died, .doneAndDied: events.crashes += 1
    default: break
    }
    checkFacts()
  }

  /// A process may be killed, but it may give up only on what it can't mend.
  private func ended(
    _ instance: Instance, _ process: SimulatedProcess, _ stage: String, _ error: StageError
  ) {
    guard process.isAlive, violation == nil else { return }
    note("\(stage) has stopped: \(error)")
    instance.failure = instance.failure ?? error
    // A stage that can't go on stops the others in an orderly way.
    instance.stop.stop()
    if FaultPlan.isFullDisk(error.reason) { return }
    if error.reason.code == expectedFailure { return }
    fail(Violation("\(instance.name)/\(stage) has stopped: \(error)"))
  }

  /// Set while such an end is expected.
  var expectedFailure: Reason.Code?
}

extension SimulatedProcess.Outcome {
  var isDone: Bool {
    if case .done = self { true } else { false }
  }
}
