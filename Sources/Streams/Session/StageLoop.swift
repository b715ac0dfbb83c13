public import EventLog
public import StateStore

/// Runs a stage on the calling thread until it is stopped or can't go on.
public struct StageLoop<
  Log: EventLog, Storage: StateStorage, Operator: StageOperator & ~Copyable
>
where Operator.Store == Storage.Store, Operator.Producer == Log.Producer {
  private let environment: StageEnvironment<Log, Storage>
  private let makeOperator: () throws(StageError) -> Operator

  /// - Parameter makeOperator: called for each membership in the group: a stage that was fenced
  ///   starts again with nothing in memory.
  public init(
    _ environment: StageEnvironment<Log, Storage>,
    makeOperator: @escaping () throws(StageError) -> Operator
  ) {
    self.environment = environment
    self.makeOperator = makeOperator
  }

  /// - Throws: an error whose reaction is `.stopDaemon`.
  public func run() throws(StageError) {
    do throws(StageError) {
      try runSessions()
      environment.emit(.stopped(nil))
    } catch {
      environment.emit(.stopped(error.reason))
      throw error
    }
  }

  private func runSessions() throws(StageError) {
    var failures = 0
    var cap = BatchCap()
    while !environment.stop.isStopped {
      var hasCommitted = false
      do throws(StageError) {
        try runSession(&hasCommitted, &cap)
      } catch {
        if case .stopped = error { return }
        if error.reaction == .stopDaemon { throw error }
        failures = hasCommitted ? 1 : failures + 1
        if error.reason.code == .fenced { environment.emit(.fenced(error.reason)) }
        try giveWay(after: error)
        environment.emit(.rejoining(error.reason, attempt: failures))
        environment.pause(.milliseconds(min(5_000, 100 << min(failures, 6))))
      }
    }
  }

  /// Stops for good if a newer process has taken the place of this one.
  private func giveWay(after error: StageError) throws(StageError) {
    guard [.fenced, .partitionsLost].contains(error.reason.code),
      let rival = environment.findRival?()
    else { return }
    throw .failed(rival, .stopDaemon)
  }

  /// - Parameters:
  ///   - hasCommitted: set when a batch was committed, also before an error.
  ///   - cap: on the sizes of batches, from one session to the next.
  private func runSession(_ hasCommitted: inout Bool, _ cap: inout BatchCap) throws(StageError) {
    let session = try StageSession<Log, Storage, Operator>(
      environment, operator: makeOperator(), cap: cap)
    defer {
      hasCommitted = session.hasCommitted
      cap = session.batch.capAfterwards
      session.close()
    }
    do throws(StageError) { try session.run() } catch {
      if error.reaction == .rebuildStore { try session.destroyStores(because: error) }
      throw error
    }
  }
}
