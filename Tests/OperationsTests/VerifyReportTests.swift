import EventLog
import KafkaLog
import LMDBStore
import Ratings
import RedisProjection
import StateStore
import Streams
import Testing

@testable import Operations
@testable import Pipeline
@testable import Processes

@Suite struct VerifyReportTests {
  private func report(_ fill: (inout WriteSet, inout WriteSet) -> Void) throws -> VerifyReport {
    let directory = try TemporaryDirectory("report-test")
    let sides = ["stored", "log"].map { LMDBStorage(root: directory.file($0)) }
    var stored = WriteSet()
    var log = WriteSet()
    fill(&stored, &log)
    for (storage, writes) in zip(sides, [stored, log]) {
      var writes = writes
      let store = try storage.open(
        stage: "user", partition: 0, tables: StageDeclaration.user.tableNames)
      try store.commit(&writes, changelogOffset: 1)
      try store.close()
    }
    let schema = try #require(StoreSchema(.user))
    let place = StorePlace(storage: sides[0], schema: schema, partition: 0)
    let snapshots = try sides.map {
      try $0.openReadOnly(stage: "user", partition: 0).snapshot()
    }
    var comparison = StoreComparison(shown: 5)
    for table in schema.tables {
      try comparison.compare(table.table, snapshots[0], snapshots[1])
    }
    return VerifyReport(
      VerifiedPartition(schema: schema, partition: 0, store: place), place,
      StoreVerification.Outcome(
        inputOffset: 7, comparison: comparison, features: [:], genres: GenreDictionary()))
  }

  private func set(_ writes: inout WriteSet, _ key: Int64, _ value: Int64) {
    let key = StoreKey(key)
    let value = SourcePosition(offset: value, timestamp: 0).encoded
    writes.set(UserTables.sources, key.span, value.span.bytes)
  }

  @Test func agreementIsOneLine() throws {
    var report = try report { stored, log in
      set(&stored, 1, 2)
      set(&log, 1, 2)
    }
    #expect(report.agrees)
    #expect(report.text == "user[0]: the store and the log agree: 1 entries at input offset 7")
    report.redisProblem = "the redis stage stands at offset 3 of 9 in user-features[0]"
    #expect(!report.agrees)
    #expect(report.text.contains("Redis not compared: the redis stage stands at offset 3"))
  }

  @Test func withoutRedisTheStoreIsComparedAllTheSame() throws {
    var report = try report { stored, log in
      set(&stored, 1, 2)
      set(&log, 1, 2)
    }
    try report.addRedis { throw RedisError(.passwordMissing, at: "Redis at a:1", "NOAUTH") }
    #expect(!report.agrees)
    #expect(report.text.hasPrefix("user[0]: the store and the log agree"))
    #expect(
      report.text.contains(
        "Redis not compared: Redis at a:1 wants a password (NOAUTH): set redis.password"))
    #expect(throws: CancellationError.self) { try report.addRedis { throw CancellationError() } }
  }

  @Test func differencesAreShownInHumanForm() throws {
    let report = try report { stored, log in
      set(&stored, 1, 2)
      set(&log, 1, 3)
      set(&log, 4, 4)
    }
    #expect(!report.agrees)
    #expect(
      report.text == """
        user[0]: 2 of 1 entries differ from the log at input offset 7
          sources 1
            store  {"offset":2,"timestamp_ms":0}
            log    {"offset":3,"timestamp_ms":0}
          sources 4
            store  -
            log    {"offset":4,"timestamp_ms":0}
        """)
  }

  @Test func redisRowsAreShown() throws {
    var report = try report { _, _ in }
    var outcome = RedisOutcome(shown: 5)
    outcome.rows = 5
    outcome.newer = 1
    report.add(outcome)
    #expect(report.agrees)
    #expect(report.text.hasSuffix("user[0]: Redis agrees: 5 rows, 1 changed meanwhile"))
    outcome.note(.missing, 9)
    outcome.note(
      .different([
        ProjectionCheck.Difference(feature: "rating_count", expected: .int64(3), found: nil)
      ]), 10)
    outcome.note(.leftOver, 11)
    outcome.note(.fenced(Fence(generation: 1, offset: 99)), 12)
    report.add(outcome)
    #expect(!report.agrees)
    #expect(
      report.text.hasSuffix(
        """
        user[0]: 4 rows differ in Redis (1 missing, 1 left over, 1 fenced beyond the log's end), of 5 \
        in the state, 1 changed meanwhile
          9 (row)
            state  one
            Redis  none
          10 rating_count
            state  3
            Redis  -
          11 (row)
            state  none
            Redis  one
          12 (fence)
            state  below the log's end
            Redis  epoch 1, offset 99
        """))
  }

  /// A store that can't be compared may be right: nobody should delete it.
  @Test func aLogWithoutTheEventsIsNoReasonToDeleteAStore() {
    let source = TopicPartition("validated-ratings", 0)
    for error in [
      ReplayError.logBegins(source, 5), .logEnds(source, 5, inputOffset: 9),
      .stage(.failed(Reason(.unknownFormat, "another version"), .stopDaemon)),
    ] {
      #expect(!error.remedy.contains("delete"))
      #expect(!error.remedy.isEmpty)
    }
    #expect(ReplayError.logBegins(source, 5).remedy.contains("validated-ratings has lost"))
  }

  /// What a rebuild writes can't replace rows that the log has no record for.
  @Test(arguments: [RedisOutcome.Fault.leftOver, .fenced(Fence(generation: 1, offset: 99))])
  func rowsThatNoRecordReplacesAreClaimed(fault: RedisOutcome.Fault) throws {
    var report = try report { stored, log in
      set(&stored, 1, 2)
      set(&log, 1, 2)
    }
    var outcome = RedisOutcome(shown: 5)
    outcome.note(fault, 11)
    report.add(outcome)
    report.nameRemedies(store: "st/user/0", recomputation: "compute again")
    #expect(report.remedies.count == 1)
    #expect(report.text.contains("  → `projectionist redis claim`"))
    outcome.note(.missing, 12)
    report.add(outcome)
    report.nameRemedies(store: "st/user/0", recomputation: "compute again")
    #expect(report.remedies.count == 3)
  }

  @Test func everyDifferenceHasARemedy() throws {
    var report = try report { stored, log in
      set(&stored, 1, 2)
      set(&log, 1, 2)
    }
    report.nameRemedies(store: "st/user/0", recomputation: "compute again")
    #expect(report.remedies.isEmpty)
    var damaged = try self.report { stored, _ in set(&stored, 1, 2) }
    damaged.nameRemedies(store: "st/user/0", recomputation: "compute again")
    #expect(damaged.remedies.count == 1)
    #expect(damaged.text.contains("  → stop the daemon, delete st/user/0 and start it again"))
    var outcome = RedisOutcome(shown: 5)
    outcome.note(.missing, 11)
    report.add(outcome)
    report.nameRemedies(store: "st/user/0", recomputation: "compute again")
    #expect(report.text.contains("  → `projectionist redis rebuild`"))
    #expect(report.text.contains("if rows are missing even then"))
    #expect(report.remedies.last?.hasSuffix("compute again") == true)
    report.redisProblem = "the redis stage stands at offset 3 of 9 in user-features[0]"
    report.nameRemedies(store: "st/user/0", recomputation: "compute again")
    #expect(report.remedies.count == 3)

    var verdicts = VerdictReport(
      validVerdicts: 7, events: 5, missingEvents: 2, firstMissing: ["user-ratings[0] at offset 4"])
    verdicts.nameRemedy(
      group: "app-intake", topic: "user-ratings", KafkaTools("localhost:9092"))
    #expect(
      verdicts.text.contains("--bootstrap-server localhost:9092 --group app-intake --topic user-"))
  }

  @Test func aPartitionThatWasNotComparedDoesNotAgree() throws {
    let schema = try #require(StoreSchema(.movie))
    let place = VerifiedPartition(schema: schema, partition: 3, store: nil)
    let missing = VerifyReport(place, problem: "this machine has no store of it")
    #expect(!missing.agrees)
    #expect(missing.text == "movie[3]: not compared: this machine has no store of it")
    let empty = VerifyReport(place, isEmpty: true)
    #expect(empty.agrees)
    #expect(empty.text == "movie[3]: the store and the log agree: 0 entries at input offset 0")
  }

  @Test func aPartitionThatNobodyHasReadIsNamedWithARemedy() {
    let unread = UnreadPartition(TopicPartition("user-ratings", 8), of: .intake)
    #expect(
      unread.text.hasPrefix(
        "intake[8]: not compared: user-ratings[8]: it holds records that no instance has ever read\n"
      ))
    #expect(unread.text.contains("  → start a daemon"))
    let other = UnreadPartition(
      TopicPartition("user-ratings", 1), of: .intake, loss: "offset 7 has another record")
    #expect(other.text.contains("it is not the one that was read: offset 7 has another record"))
  }

  @Test func verdictsWithoutEventsAreNamed() {
    let report = VerdictReport(
      validVerdicts: 7, events: 5, missingEvents: 2,
      firstMissing: ["user-ratings[0] at offset 4"])
    #expect(!report.agrees)
    #expect(
      report.text == """
        verdicts: 2 of 7 events with a valid verdict are not in validated-ratings, which has 5
          user-ratings[0] at offset 4
        """)
    let some = VerdictReport(
      validVerdicts: 3, deletedVerdicts: 40, events: 9, missingEvents: 0, firstMissing: [])
    #expect(
      some.text.hasSuffix("; 40 offsets of earlier verdicts were deleted, and are not compared"))
  }
}
