import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// A state knows the newest record of its input, and notices when that is another topic's.
struct InputIdentityTests {
  private func identity(_ key: [UInt8]?, _ value: [UInt8]?) -> UInt64 {
    RecordIdentity.hash(key: key?.span.bytes, value: value?.span.bytes)
  }

  @Test func recordsThatDifferHaveOtherHashes() {
    let parts: [[UInt8]?] = [
      nil, [], [0], [0, 0], [1], Array(repeating: 0, count: 8), Array(repeating: 0, count: 9),
      Array(1...8), Array(1...9), Array("a longer text than two words".utf8),
    ]
    var hashes: Set<UInt64> = []
    for key in parts { for value in parts { hashes.insert(identity(key, value)) } }
    #expect(hashes.count == parts.count * parts.count)
    // Part of stored formats.
    #expect(identity(nil, Array("abc".utf8)) == identity(nil, Array("abc".utf8)))
  }

  /// The words of eight bytes against a loop over single ones.
  @Test func theHashIsThatOfItsDescription() {
    var random = SeededGenerator(seed: 1)
    func naive(_ part: [UInt8], _ hash: inout UInt64) {
      func mix(_ word: UInt64) {
        hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
        hash ^= hash >> 32
      }
      mix(UInt64(part.count))
      var start = 0
      while start < part.count {
        var word: UInt64 = 0
        for (index, byte) in part[start..<min(start + 8, part.count)].enumerated() {
          word += UInt64(byte) << (8 * index)
        }
        mix(word)
        start += 8
      }
    }
    for _ in 0..<200 {
      let count = Int.random(in: 0...40, using: &random)
      let key = (0..<count % 7).map { _ in UInt8.random(in: 0...255, using: &random) }
      let value = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      var hash: UInt64 = 0
      naive(key, &hash)
      naive(value, &hash)
      #expect(identity(key, value) == hash)
    }
  }

  @Test func aPositionHasItsNewestRecord() throws {
    let last = RecordIdentity(offset: 16, timestamp: -1, hash: .max - 5)
    let position = Position(inputOffset: 17, last: last)
    #expect(position.encoded.count == 33)
    let encoded = position.encoded
    let read = try Position(decoding: encoded.span.bytes)
    #expect(read == position)
    let cut = Array(encoded.dropLast())
    #expect(throws: StageError.self) { try Position(decoding: cut.span.bytes) }
  }

  private func recreate(_ world: World, _ values: Range<Int>) throws {
    world.log.createTopic(World.input, partitions: 1)
    try world.feed(values)
  }

  @Test(arguments: ProcessingGuarantee.allCases, [9, 10, 60])
  func aTopicThatWasRecreatedIsNoticedWhateverItsLength(
    guarantee: ProcessingGuarantee, length: Int
  ) throws {
    let world = World(guarantee)
    try world.feed(0..<10)
    #expect(world.run().error == nil)
    try recreate(world, 100..<100 + length)
    let error = try #require(world.run().error)
    #expect(error.reason.code == .topicRecreated && error.reaction == .stopDaemon)
    #expect(error.description.contains("events[0] up to offset 9"))
    // Without its store as well: the changelog's position has the record.
    world.storage.lose(stage: World.stage, partition: 0)
    #expect(world.run().error?.reason.code == .topicRecreated)
  }

  @Test func aRecordThatRetentionHasDeletedPasses() throws {
    let world = World()
    try world.feed(0..<10)
    #expect(world.run().error == nil)
    try world.log.truncate(world.input(0), before: 10)
    try world.feed(10..<14)
    #expect(world.run().error == nil)
  }

  @Test func aTransactionThatIsOpenBeforeTheRecordHidesNothing() throws {
    let world = World()
    try world.feed(0..<10)
    #expect(world.run().error == nil)
    #expect(world.run().error == nil, "nothing new: the position keeps its record")
    try world.feed(10..<12)
    #expect(world.run().error == nil)
  }

  @Test func whatWasFoundIsComparedByTimeAndContent() {
    let last = RecordIdentity(offset: 3, timestamp: 5, hash: 7)
    func difference(_ found: LookedUp) -> String? { last.difference(from: found) }
    func record(_ timestamp: Int64, _ hash: UInt64) -> LookedUp {
      .record(RecordIdentity(offset: 3, timestamp: timestamp, hash: hash), nil)
    }
    #expect(difference(record(5, 7)) == nil)
    #expect(difference(record(-1, 7)) == nil)
    #expect(difference(record(6, 7)) == "the record there is of 6, not of 5")
    #expect(difference(record(5, 8))?.contains("0000000000000008") == true)
    #expect(difference(.beforeStart(9)) == nil)
    #expect(difference(.beyondEnd(2)) == "the log ends at 2")
    #expect(difference(.nothing) != nil)
  }
}
