import Simulation
import Testing

@testable import Pipeline

struct PartitionDirectoryTests {
  private func stores(_ partitions: Int32...) throws -> [(partition: Int32, store: MemoryStore)] {
    try partitions.map {
      ($0, try MemoryStorage().open(stage: "user", partition: $0, tables: []))
    }
  }

  @Test func aThreadReplacesItsOwnPartitions() throws {
    let directory = PartitionDirectory<MemoryStore>()
    let (one, other) = (directory.makeShare(), directory.makeShare())
    one.replace(try stores(0, 1))
    other.replace(try stores(2, 3))
    #expect(directory.partitions == [0, 1, 2, 3])
    one.replace(try stores(1))
    #expect(directory.partitions == [1, 2, 3])
    #expect(directory.store(of: 0) == nil && directory.store(of: 2) != nil)
    #expect(directory.version == 3)
  }

  /// Its new owner may tell before its old one has.
  @Test func aPartitionMayMoveBetweenThreads() throws {
    let directory = PartitionDirectory<MemoryStore>()
    let (one, other) = (directory.makeShare(), directory.makeShare())
    one.replace(try stores(0, 1))
    other.replace(try stores(1))
    one.replace(try stores(0))
    #expect(directory.partitions == [0, 1])
    other.replace([])
    #expect(directory.partitions == [0])
  }

  @Test func aShareIsWithdrawnWhenItsThreadReleasesIt() throws {
    let directory = PartitionDirectory<MemoryStore>()
    do {
      let share = directory.makeShare()
      share.replace(try stores(0))
      #expect(directory.partitions == [0])
    }
    #expect(directory.partitions == [])
  }
}
