import EventLog
import Simulation
import Synchronization
import Testing

@testable import Streams

struct BatchCapTests {
  @Test func aFailureHalvesAndCommitsDouble() {
    var cap = BatchCap()
    #expect(cap.applied(to: 300_000) == 300_000)
    cap.noteFailure(records: 120_000)
    #expect(cap.applied(to: 300_000) == 60_000 && cap.applied(to: 8_000) == 8_000)
    cap.noteFailure(records: 60_000)
    #expect(cap.records == 30_000)
    for _ in 1..<BatchCap.commitsPerStep { cap.noteCommit(limit: 300_000) }
    #expect(cap.records == 30_000, "a few commits show nothing")
    cap.noteCommit(limit: 300_000)
    #expect(cap.records == 60_000)
    for _ in 0..<3 * BatchCap.commitsPerStep { cap.noteCommit(limit: 300_000) }
    #expect(cap.records == nil)
  }

  /// A broker that is away fails whatever batch there is.
  @Test func smallBatchesFailForOtherReasons() {
    var cap = BatchCap()
    cap.noteFailure(records: BatchCap.smallestFailure - 1)
    #expect(cap.records == nil)
    cap.noteFailure(records: BatchCap.smallestFailure)
    cap.noteFailure(records: BatchCap.smallestFailure)
    #expect(cap.records == BatchCap.smallestFailure / 2)
  }

  @Test func anOpenBatchKeepsToIt() {
    let now = ContinuousClock.now
    var cap = BatchCap()
    cap.noteFailure(records: 4_000)
    var batch = OpenBatch(BatchLimits(records: 9_000), cap: cap, at: now)
    batch.open(at: now)
    batch.add(records: 1_999, bytes: 1)
    batch.arrived(1_999, at: now)
    #expect(batch.room == 1 && !batch.closes(at: now, isDry: false, backlog: nil))
    batch.add(records: 1, bytes: 1)
    #expect(batch.closes(at: now, isDry: false, backlog: nil))
    #expect(batch.capAfterwards.records == 1_000, "if its session ends now, it has failed")
    _ = batch.finish()
    #expect(batch.capAfterwards.records == 2_000)
    batch.open(at: now)
    batch.add(records: 2_000, bytes: 1)
    batch.fail()
    #expect(batch.state == .idle && batch.room == 1_000)
  }

  /// A transaction that ends at the broker before a full batch is in it, such as by its timeout:
  /// once as an abort, and once as the loss of the name.
  @Test(arguments: [Reaction.abortBatch, .abandonPartition])
  func aBatchThatIsTooLargeForItsTransactionGetsSmaller(_ reaction: Reaction) throws {
    var world = World()
    world.limits = BatchLimits(records: 30_000)
    try world.feed(0..<30_000, keys: 30_000)
    let sent = Mutex(0)
    let failures = Counter()
    var run = World.Run()
    run.faults = { moment in
      switch moment.effect {
      case .beginTransaction: sent.withLock { $0 = 0 }
      case .send: sent.withLock { $0 += 1 }
      case .commitTransaction:
        guard sent.withLock({ $0 }) > 20_000 else { return nil }
        _ = failures.next()
        return .fail(LogError(.fenced, "too late", reaction: reaction))
      default: break
      }
      return nil
    }
    let result = world.run(run)
    #expect(result.error == nil && result.status.records == 30_000)
    #expect((1...4).contains(failures.value))
  }
}
