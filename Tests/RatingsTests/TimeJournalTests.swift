import Testing

@testable import Codecs
@testable import Ratings

@Suite struct TimeJournalTests {
  private let times: [Int64] = [0, 1, -1, 964_982_703_000, 4_102_444_800_000, -62_135_596_800_000]

  @Test func entriesReadBackInTheirOrder() throws {
    var block: [UInt8] = []
    var written: [TimeJournal.Entry] = []
    for time in times {
      for isRemoval in [false, true] {
        let entry = TimeJournal.Entry(milliseconds: time, isRemoval: isRemoval)
        TimeJournal.append(entry, to: &block)
        written.append(entry)
      }
    }
    var read: [TimeJournal.Entry] = []
    try TimeJournal.forEach(in: block.span.bytes) { read.append($0) }
    #expect(read == written)
  }

  @Test func aBlockCutShortIsAnError() {
    let block: [UInt8] = [0x80]
    #expect(throws: CodecError.self) { try TimeJournal.forEach(in: block.span.bytes) { _ in } }
  }

  @Test func whatWasRemovedIsNotLeft() {
    var generator = SystemRandomNumberGenerator()
    var remaining = RemainingTimes()
    var oracle: [Int64] = []
    for _ in 0..<2_000 {
      if !oracle.isEmpty, Bool.random(using: &generator) {
        let time = oracle.remove(at: Int.random(in: oracle.indices, using: &generator))
        remaining.apply(TimeJournal.Entry(milliseconds: time, isRemoval: true))
      } else {
        let time = Int64.random(in: 0..<50, using: &generator)
        oracle.append(time)
        remaining.apply(TimeJournal.Entry(milliseconds: time, isRemoval: false))
      }
    }
    #expect(remaining.sorted == oracle.sorted())
  }

  @Test func blocksAreFilledOneAfterTheOther() {
    var journal = TimeJournal()
    #expect(journal.openBlock == nil)
    for number in 0..<1_000 {
      #expect((journal.openBlock == nil) == (number % TimeJournal.blockEntries == 0))
      #expect(journal.extend() == Int64(number / TimeJournal.blockEntries))
    }
    #expect(journal.entries == 1_000)
  }

  @Test func aJournalThatMostlyCancelsItselfIsRewritten() {
    var journal = TimeJournal()
    for _ in 0..<TimeJournal.slack { _ = journal.extend() }
    #expect(!journal.isWorthRewriting(remaining: 0))
    _ = journal.extend()
    #expect(journal.isWorthRewriting(remaining: 0))
    #expect(!journal.isWorthRewriting(remaining: 1))
  }
}
