import StateStore
import Testing

@Suite struct WriteSetTests {
  /// Batches of similar size reuse their memory; a small one after them frees it.
  @Test func memoryOfABatchIsKeptForSimilarOnes() {
    var rows: [Int] = []
    var index: [Int: Int] = [:]
    func fill(_ count: Int) {
      for number in 0..<count {
        rows.append(number)
        index[number] = number
      }
    }
    fill(100_000)
    rows.removeAllOfBatch()
    index.removeAllOfBatch()
    #expect(rows.isEmpty && index.isEmpty)
    #expect(rows.capacity >= 100_000 && index.capacity >= 100_000)
    fill(50_000)
    rows.removeAllOfBatch()
    index.removeAllOfBatch()
    #expect(rows.capacity >= 100_000 && index.capacity >= 100_000)
    fill(100)
    rows.removeAllOfBatch()
    index.removeAllOfBatch()
    #expect(rows.capacity < 1_024 && index.capacity < 1_024)
  }

  struct Write: Equatable {
    var table: Table
    var key: [UInt8]
    var value: [UInt8]?
  }

  private func writes(of set: WriteSet) -> [Write] {
    var writes: [Write] = []
    func add(_ table: Table, _ key: RawSpan, _ value: RawSpan?) {
      writes.append(
        Write(
          table: table, key: key.withUnsafeBytes { [UInt8]($0) },
          value: value?.withUnsafeBytes { [UInt8]($0) }))
    }
    set.forEach(add)
    return writes
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func sortedEqualsDictionary(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    var set = WriteSet()
    for _ in 0..<3 {
      var oracle: [Table: [[UInt8]: [UInt8]?]] = [:]
      for _ in 0..<Int.random(in: 0...400, using: &generator) {
        let table = Table(rawValue: UInt8.random(in: 0...2, using: &generator))
        // Few distinct bytes around the eighth, with zeros: prefixes collide, keys repeat.
        let common = [UInt8](repeating: 0, count: Int.random(in: 0...9, using: &generator))
        let key = common + generator.bytes(1...3, below: 3)
        let isDelete = Bool.random(using: &generator)
        let value = isDelete ? nil : generator.bytes(0...20)
        if let value {
          set.put(table, key, value)
        } else {
          set.delete(table, key)
        }
        oracle[table, default: [:]].updateValue(value, forKey: key)
        if Int.random(in: 0..<100, using: &generator) == 0 { set.sort() }
      }
      set.sort()
      let expected = oracle.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { table, content in
        content.sorted { isBefore($0.key, $1.key) }
          .map { Write(table: table, key: $0, value: $1) }
      }
      #expect(writes(of: set) == expected)
      #expect(set.count == expected.count)
      set.removeAll()
      #expect(set.isEmpty && set.memoryBytes == 0)
    }
  }

  @Test func unsortedKeepsOrderOfCalls() {
    var set = WriteSet()
    set.put(users, [2], [1])
    set.delete(users, [1])
    #expect(writes(of: set).map(\.key) == [[2], [1]])
    #expect(set.memoryBytes == 3 + 2 * 24)
  }
}
