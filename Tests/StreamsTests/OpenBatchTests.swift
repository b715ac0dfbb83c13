import Testing

@testable import Streams

struct OpenBatchTests {
  private static let start = ContinuousClock.now
  private let limits = BatchLimits(
    records: 200, bytes: 1_000, time: .seconds(1), busyRecords: 5, pause: .milliseconds(100))

  private func time(_ milliseconds: Int) -> ContinuousClock.Instant {
    Self.start + .milliseconds(milliseconds)
  }

  /// A batch that was opened at the start and got so many records at once.
  private func batch(_ records: Int, bytes: Int = 1) -> OpenBatch {
    var batch = OpenBatch(limits, at: Self.start)
    batch.open(at: Self.start)
    for _ in 0..<records { batch.add(bytes: bytes) }
    batch.arrived(records, at: Self.start)
    return batch
  }

  @Test func itCountsUntilItEnds() {
    var batch = batch(3, bytes: 10)
    #expect(batch.isOpen && batch.records == 3 && batch.bytes == 30)
    #expect(batch.room == 197 && batch.isSmall)
    #expect(batch.age(at: time(7)) == .milliseconds(7))
    batch.beginCommit()
    #expect(!batch.isOpen && batch.records == 3)
    _ = batch.finish()
    #expect(batch.state == .idle && batch.records == 0 && batch.bytes == 0)
    batch.open(at: time(50))
    #expect(batch.age(at: time(60)) == .milliseconds(10))
  }

  @Test func itMayBeVoidAtAnyTime() {
    var batch = batch(3)
    batch.discard()
    #expect(batch.state == .idle && batch.records == 0)
    batch.discard()
    batch.open(at: time(1))
    batch.beginCommit()
    batch.discard()
    #expect(batch.state == .idle)
  }

  @Test func itClosesAtItsLimits() {
    #expect(!batch(199).closes(at: Self.start, isDry: false, backlog: nil))
    #expect(batch(200).closes(at: Self.start, isDry: false, backlog: nil))
    #expect(batch(10, bytes: 100).closes(at: Self.start, isDry: false, backlog: nil))
    #expect(!batch(9).closes(at: time(999), isDry: false, backlog: nil))
    #expect(batch(9).closes(at: time(1_000), isDry: false, backlog: nil))
    #expect(batch(400).room == 1, "a poll asks for one record at the least")
  }

  @Test func aDryInputClosesIt() {
    #expect(batch(4).closes(at: time(1), isDry: true, backlog: nil), "a small one, at once")
    // Fifty records in a `pause` are a flood: more may come.
    #expect(!batch(50).closes(at: time(99), isDry: true, backlog: nil))
    #expect(batch(50).closes(at: time(100), isDry: true, backlog: nil))
    #expect(!batch(50).closes(at: time(999), isDry: true, backlog: true))
    #expect(batch(50).closes(at: time(10), isDry: true, backlog: false))
  }

  @Test func itsPatienceEndsWhenItCloses() {
    for records in [1, 4, 5, 50] {
      for backlog in [nil, true, false] {
        let batch = batch(records)
        let patience = batch.patience(at: time(3), backlog: backlog)
        #expect(batch.closes(at: time(3) + patience, isDry: true, backlog: backlog))
        #expect(
          patience <= .zero
            || !batch.closes(
              at: time(3) + patience - .milliseconds(1), isDry: true, backlog: backlog)
        )
      }
    }
  }

  /// Records of a batch before count for a flood, too.
  @Test func arrivalsOutliveABatch() {
    var batch = batch(30)
    batch.beginCommit()
    _ = batch.finish()
    batch.open(at: time(50))
    for _ in 0..<20 { batch.add(bytes: 1) }
    batch.arrived(20, at: time(50))
    #expect(!batch.closes(at: time(149), isDry: true, backlog: nil))
    #expect(batch.closes(at: time(150), isDry: true, backlog: nil))
  }

  @Test func memoryIsFreeAfterTheFirstSmallBatchBehindLargeOnes() {
    func ends(_ rows: [Int]) -> [Bool] {
      var batch = OpenBatch(limits, at: Self.start)
      return rows.map { records in
        batch.open(at: Self.start)
        for _ in 0..<records { batch.add(bytes: 1) }
        batch.beginCommit()
        return batch.finish()
      }
    }
    #expect(ends([4, 50, 60, 20, 4, 4]) == [false, false, false, false, true, false])
  }
}
