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
    directory.replace(try stores(0, 1), of: 0)
    directory.replace(try stores(2, 3), of: 1)
    #expect(directory.partitions == [0, 1, 2, 3])
    directory.replace(try stores(1), of: 0)
    #expect(directory.partitions == [1, 2, 3])
    #expect(directory.store(of: 0) == nil && directory.store(of: 2) != nil)
    #expect(directory.version == 3)
  }

  /// Its new owner may tell before its old one has.
  @Test func aPartitionMayMoveBetweenThreads() throws {
    let directory = PartitionDirectory<MemoryStore>()
    directory.replace(try stores(0, 1), of: 0)
    directory.replace(try stores(1), of: 1)
    directory.replace(try stores(0), of: 0)
    #expect(directory.partitions == [0, 1])
    directory.replace([], of: 1)
    #expect(directory.partitions == [0])
  }
}
