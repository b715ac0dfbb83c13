import EventLog
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
      if random.oneIn(8) { upsetProjection() }
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
    switch Int.random(in: 0..<12, using: &random) {
    case 0...2: try outliveRetention()
    case 3...5: try outliveRemaking()
    case 6, 7: try outliveForeignOffsets()
    case 8, 9: try outliveStranger()
    case 10: try outliveAnotherLog()
    default: break
    }
  }

  func rest() throws {
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

  private func upsetProjection() {
    guard let what = scenario.upsetProjection(&random) else { return }
    events.upsets += 1
    note(what)
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
    log.setOffsets(offsets, of: group, stamp: .accepted)
    groupToReplay = group
    for instance in instances where random.oneIn(2) { start(instance) }
  }

  /// Sets the input's group back to the beginning of what the log has.
  private func replay(_ group: String) throws {
    try stopAll()
    try sleep(Self.session * 2)
    var offsets: [TopicPartition: Int64] = [:]
    for place in try scenario.anyOffsets(&random).keys {
      offsets[place] = try log.offsets(of: place).lowerBound
    }
    note("set \(group) back to the beginning")
    log.setForeignOffsets(offsets, of: group)
  }

  // MARK: Calm

  /// From here on all input must get processed.
  private func drain() throws {
    note("calm")
    isCalm = true
    for instance in instances where instance.stop.isStopped || !instance.isAlive {
      try waitForEnd(of: instance)
    }
    if let what = scenario.claimProjection() { note(what) }
    if let group = groupToReplay { try replay(group) }
    for instance in instances where instance.hasEnded(scheduler) { start(instance) }
    try wait(limit: .seconds(600)) { try scenario.remaining() }
    try sleep(.seconds(2))
    try stopAll()
  }

  func waitForEnd(of instance: Instance) throws {
    try wait(limit: .seconds(120)) {
      let running = instance.running(scheduler)
      return running.isEmpty ? nil : "\(running.joined(separator: ", ")) has not stopped"
    }
  }

  func stopAll() throws {
    for instance in instances { instance.stop.stop() }
    for instance in instances {
      try waitForEnd(of: instance)
    }
    checkFacts()
    if let violation { throw violation }
  }

  func checkDisks() throws {
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
}
