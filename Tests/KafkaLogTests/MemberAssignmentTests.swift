import EventLog
import Testing

@testable import KafkaLog

struct MemberAssignmentTests {
  private func partitions(_ bytes: [UInt8]) -> Set<TopicPartition> {
    MemberAssignment(bytes.span.bytes).partitions
  }

  /// Version 1; `ab` with 0 and 258, `c` with 7; no user data.
  private let bytes: [UInt8] =
    [0, 1, 0, 0, 0, 2, 0, 2, 0x61, 0x62, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 2]
    + [0, 1, 0x63, 0, 0, 0, 1, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF]

  @Test func partitionsOfAllTopicsAreFound() {
    #expect(
      partitions(bytes) == [
        TopicPartition("ab", 0), TopicPartition("ab", 258), TopicPartition("c", 7),
      ])
    #expect(partitions([]) == [] && partitions([0, 1, 0, 0, 0, 0]) == [])
  }

  @Test func whatIsCutOffOrStrangeEndsIt() {
    for count in 0..<bytes.count {
      #expect(partitions(Array(bytes[..<count])).isSubset(of: partitions(bytes)))
    }
    #expect(partitions(Array(repeating: 0xFF, count: 40)) == [])
    #expect(partitions([0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF]) == [])
  }
}
