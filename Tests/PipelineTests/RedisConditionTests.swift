import EventLog
import RedisProjection
import Streams
import Synchronization
import Testing

@testable import Pipeline
@testable import PipelineSimulation
@testable import Simulation

/// Whatever Redis lacks, the stage waits for it by name and goes on.
@Suite struct RedisConditionTests {
  @Test(arguments: RedisCondition.allCases)
  func theStageWaitsAndGoesOn(condition: RedisCondition) throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    // The first attempts fail in each of the places where the stage needs Redis.
    let faults = Faults([2: condition, 3: condition, 5: condition, 6: condition])
    let reasons = try bed.run(faults: faults)
    #expect(Set(reasons.map(\.code)) == [Reason.Code(condition)])
    #expect(reasons.allSatisfy { $0.text.contains(condition.advice) })
    #expect(bed.users == Array(1...9))
  }

  @Test func eachConditionIsSaidOnce() throws {
    let bed = ProjectionBed()
    try bed.rate(1...3)
    let faults = Faults([
      1: .unreachable, 2: .unreachable, 3: .loading, 4: .passwordWrong, 5: .passwordWrong,
    ])
    let reasons = try bed.run(faults: faults)
    #expect(
      reasons.map(\.code) == [.redisUnavailable, .redisLoading, .redisPasswordWrong])
    #expect(bed.users == [1, 2, 3])
  }

  @Test func aStopEndsTheWaiting() throws {
    let bed = ProjectionBed()
    try bed.rate(1...3)
    let reasons = try bed.run(faults: Faults(always: .outOfMemory))
    #expect(reasons.map(\.code) == [.redisOutOfMemory])
    #expect(bed.users.isEmpty)
  }

  @Test func everyConditionIsAboutTheProjection() {
    for condition in RedisCondition.allCases {
      #expect(Reason.Code(condition).concernsProjection)
      let error = StageError(RedisError(condition, at: "Redis", "x"))
      #expect(error.reaction == .retry)
    }
  }
}

/// Which calls of a sink fail, by their number.
final class Faults: Sendable {
  private let conditions: [Int: RedisCondition]
  private let always: RedisCondition?
  private let onCall: @Sendable (Int) -> Void
  private let calls = Mutex(0)

  /// - Parameter onCall: called with the number of each call.
  init(
    _ conditions: [Int: RedisCondition] = [:], always: RedisCondition? = nil,
    onCall: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.conditions = conditions
    self.always = always
    self.onCall = onCall
  }

  func next() throws(RedisError) {
    let call = calls.withLock { count in
      count += 1
      return count
    }
    onCall(call)
    guard let condition = always ?? conditions[call] else { return }
    throw RedisError(condition, at: "the simulated Redis", "as the test wants it")
  }
}

/// A sink that fails on demand.
final class FaultySink: FeatureSink {
  private let sink: MemoryFeatureSink
  private let faults: Faults

  init(_ sink: MemoryFeatureSink, _ faults: Faults) {
    self.sink = sink
    self.faults = faults
  }

  var place: String { sink.place }

  func write(_ batch: FeatureBatch, by permit: ProjectionPermit) throws(RedisError)
    -> FeatureWriter.Counts
  {
    try faults.next()
    return try sink.write(batch, by: permit)
  }

  func evictionPolicy() throws(RedisError) -> EvictionPolicy? { nil }

  func record() throws(RedisError) -> ProjectionRecord? {
    try faults.next()
    return try sink.record()
  }

  func begin(_ record: ProjectionRecord) throws(RedisError) -> Bool {
    try faults.next()
    return try sink.begin(record)
  }

  func replace(epoch: UInt64?, by record: ProjectionRecord) throws(RedisError) -> Bool {
    try faults.next()
    return try sink.replace(epoch: epoch, by: record)
  }

  func fence(of entity: Int64, view: Int) throws(RedisError) -> Fence? {
    try faults.next()
    return try sink.fence(of: entity, view: view)
  }

  func scan(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ body: (ProjectionKeeper.Row) -> Void
  ) throws(RedisError) -> ProjectionKeeper.Cursor? {
    try faults.next()
    return try sink.scan(view: view, from: cursor, body)
  }

  func sweep(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ permit: ProjectionPermit,
    removed: inout Int
  ) throws(RedisError) -> ProjectionKeeper.Cursor? {
    try faults.next()
    return try sink.sweep(view: view, from: cursor, permit, removed: &removed)
  }

  func endSweep(_ permit: ProjectionPermit) throws(RedisError) {
    try faults.next()
    try sink.endSweep(permit)
  }
}
