import Streams

/// The script of a run.
extension SeededRun {
  func live() throws {
    for instance in instances where instance === instances[0] || random.oneIn(2) { start(instance) }
    for _ in 0..<Int.random(in: 4...12, using: &random) {
      try scenario.feed(&random)
      try rest()
      if random.oneIn(3) { try scenario.clean(&random) }
      for instance in instances { trouble(instance) }
      if random.oneIn(12) { flushProjection() }
      if scenario.replayableGroup != nil, random.oneIn(10) { try moveOffsets() }
      if random.oneIn(12) {
        outageUntil = scheduler.now + .milliseconds(Int.random(in: 50...6_000, using: &random))
        note("no broker can be reached until \(outageUntil)")
      }
      try rest()
    }
    try drain()
    try checkDisks()
    try scenario.checkDrained()
    try restoreFromNothing()
    switch Int.random(in: 0..<6, using: &random) {
    case 0, 1: try outliveRetention()
    case 2, 3: try outliveRemaking()
    default: break
    }
  }

  private func rest() throws {
    let isLong = random.oneIn(8)
    try sleep(.milliseconds(Int.random(in: isLong ? 1_000...14_000 : 0...400, using: &random)))
  }

  // MARK: Trouble

  private func trouble(_ instance: Instance) {
    guard instance.isAlive, !instance.hasEnded(scheduler), let process = instance.process else {
      guard instance.hasEnded(scheduler), random.oneIn(2) else { return }
      damage(instance)
      return start(instance)
    }
    switch Int.random(in: 0..<24, using: &random) {
    case 0..<2:
      events.crashes += 1
      note("kill instance \(instance.name)")
      process.kill()
    case 2:
      note("stop instance \(instance.name)")
      instance.stop.stop()
    case 3..<6: silence(instance, process, cutsOff: random.oneIn(2))
    case 6..<9: expel(process)
    default: break
    }
  }

  /// Whether a process may be presumed dead and go on.
  ///
  /// Without transactions nothing keeps it from writing then: brokers do not fence an idempotent
  /// producer. State is only guaranteed to be exact if this does not happen.
  private var allowsZombies: Bool { guarantee == .exactlyOnce || options.hasZombies }

  /// SIGSTOP, or a network outage of one instance, for longer or shorter than the timeouts.
  func silence(_ instance: Instance, _ process: SimulatedProcess, cutsOff: Bool) {
    let isLong = allowsZombies && random.oneIn(2)
    let duration = Duration.milliseconds(
      Int.random(in: isLong ? 11_000...40_000 : 100...8_000, using: &random))
    let until = scheduler.now + duration
    events.silences += 1
    note("instance \(instance.name) is \(cutsOff ? "cut off" : "stopped") for \(duration)")
    process.setSilent(until: until)
    if cutsOff { instance.cutOffUntil = until } else { process.stall(until: until) }
  }

  private func expel(_ process: SimulatedProcess) {
    guard allowsZombies else { return }
    events.silences += 1
    note("expel \(process.name) from its groups")
    for group in scenario.groups where random.oneIn(2) {
      log.expireMembers(of: process, group: group)
    }
  }

  /// What may have happened to a disk while no process ran.
  private func damage(_ instance: Instance) {
    for place in scenario.stores {
      switch Int.random(in: 0..<12, using: &random) {
      case 0:
        note("the store \(place) of \(instance.name) is lost")
        instance.disk.lose(stage: place.stage, partition: place.partition)
      case 1, 2:
        let commits = Int.random(in: 1...6, using: &random)
        events.lostCommits += commits
        note("the store \(place) of \(instance.name) loses \(commits) commits")
        instance.disk.lose(commits: commits, stage: place.stage, partition: place.partition)
      case 3:
        let damage: MemoryStorage.Damage = random.oneIn(2) ? .atOpening : .whenRead
        note("the store \(place) of \(instance.name) is damaged, which shows \(damage)")
        instance.disk.damage(damage, stage: place.stage, partition: place.partition)
      default: break
      }
    }
  }

  private func flushProjection() {
    guard let group = scenario.flushProjection() else { return }
    events.flushes += 1
    note("flush what \(group) has written")
    groupToReset = group
  }

  /// Stops everything and moves the input's group to anywhere: back, so that events are read again,
  /// or ahead, so that events are skipped until the calm.
  private func moveOffsets() throws {
    guard let group = scenario.replayableGroup else { return }
    outageUntil = .zero
    try stopAll()
    try sleep(Self.session * 2)
    let offsets = try scenario.anyOffsets(&random)
    note("move the offsets of \(group) to \(offsets.map { "\($0):\($1)" }.sorted())")
    events.replays += 1
    log.moveOffsets(of: group, to: offsets)
    groupToReplay = group
    for instance in instances where random.oneIn(2) { start(instance) }
  }

  // MARK: Calm

  /// From here on all input must get processed.
  private func drain() throws {
    note("calm")
    isCalm = true
    for instance in instances where instance.stop.isStopped || !instance.isAlive {
      try waitForEnd(of: instance)
    }
    for group in [groupToReset, groupToReplay].compactMap(\.self) { try reset(group) }
    for instance in instances where instance.hasEnded(scheduler) { start(instance) }
    try wait(limit: .seconds(600)) { try scenario.remaining() }
    try sleep(.seconds(2))
    try stopAll()
  }

  /// Stops all instances, waits until the group is empty, and resets its offsets, as an operator
  /// does.
  private func reset(_ group: String) throws {
    try stopAll()
    try sleep(Self.session * 2)
    note("reset the offsets of \(group)")
    log.resetOffsets(of: group)
  }

  private func waitForEnd(of instance: Instance) throws {
    try wait(limit: .seconds(120)) {
      let running = instance.running(scheduler)
      return running.isEmpty ? nil : "\(running.joined(separator: ", ")) has not stopped"
    }
  }

  private func stopAll() throws {
    for instance in instances { instance.stop.stop() }
    for instance in instances {
      try waitForEnd(of: instance)
    }
    checkFacts()
    if let violation { throw violation }
  }

  private func checkDisks() throws {
    for instance in instances {
      for place in scenario.stores { try scenario.check(place, in: instance.disk) }
    }
  }

  /// Restores everything from the changelogs alone.
  private func restoreFromNothing() throws {
    guard !scenario.stores.isEmpty else { return }
    note("wipe all disks")
    for instance in instances {
      for place in scenario.stores {
        instance.disk.lose(stage: place.stage, partition: place.partition)
      }
    }
    let first = instances[0]
    start(first)
    // The others' partitions are kept for them until their sessions end.
    try sleep(Self.session * 2)
    try wait(limit: .seconds(120)) {
      do {
        for place in scenario.stores { try scenario.checkRestored(place, in: first.disk) }
        return nil
      } catch let violation as Violation { return violation.description }
    }
    try stopAll()
    try checkDisks()
    for place in scenario.stores { try scenario.checkRestored(place, in: first.disk) }
    try scenario.checkDrained()
  }

  /// Unprocessed input that is gone is reported by name and changes nothing.
  private func outliveRetention() throws {
    try scenario.feed(&random)
    guard try scenario.deleteUnprocessedInput() else { return }
    note("delete unprocessed input")
    try stopsByName("offset_below_log_start")
  }

  /// So is an input that was deleted and recreated.
  private func outliveRemaking() throws {
    guard let name = try scenario.remakeInput() else { return }
    note("recreate an input")
    try stopsByName(name)
  }

  private func stopsByName(_ name: String) throws {
    expectedFailure = name
    let first = instances[0]
    start(first)
    try waitForEnd(of: first)
    guard first.failure != nil else { throw Violation("there was no \(name)") }
    try checkDisks()
  }
}
