import EventLog
import Testing

@testable import Streams

struct AssignmentTests {
  private let a = (0..<4).map { TopicPartition("a", $0) }
  private let b = (0..<4).map { TopicPartition("b", $0) }

  private func running(_ partitions: [TopicPartition]) -> Assignment {
    var assignment = Assignment(inputs: 2)
    assignment.open(partitions)
    for partition in partitions {
      assignment.run(partition, topic: partition.topic == "a" ? 0 : 1)
    }
    return assignment
  }

  private func slots(_ assignment: Assignment) -> [[Int]] {
    (0..<2).map { topic in
      (0..<4).map { assignment.slot(topic: topic, partition: $0) }
    }
  }

  @Test func nothingRunsAtFirst() {
    var assignment = Assignment(inputs: 2)
    #expect(slots(assignment) == [[-1, -1, -1, -1], [-1, -1, -1, -1]])
    assignment.open([a[1], b[0]])
    #expect(assignment.opening == [a[1], b[0]] && assignment.running.isEmpty)
    #expect(slots(assignment) == [[-1, -1, -1, -1], [-1, -1, -1, -1]])
    #expect(assignment.holds(a[1]) && !assignment.holds(a[0]))
  }

  @Test func slotsFollowTheOrderOfRunning() {
    let assignment = running([a[3], b[0], a[1]])
    #expect(assignment.running == [a[3], b[0], a[1]] && assignment.opening.isEmpty)
    #expect(slots(assignment) == [[-1, 2, -1, 0], [1, -1, -1, -1]])
  }

  @Test func theOthersMoveUpWhenSomeAreReleased() {
    var assignment = running([a[3], b[0], a[1]])
    assignment.release([a[3], a[2]])
    #expect(assignment.running == [b[0], a[1]])
    #expect(slots(assignment) == [[-1, 1, -1, -1], [0, -1, -1, -1]])
    #expect(assignment.held == [a[1], a[3], b[0]], "its store may be open still")
    assignment.remove([a[3]])
    #expect(assignment.held == [a[1], b[0]])
  }

  @Test func aPartitionMayComeBack() {
    var assignment = running([a[0]])
    assignment.release([a[0]])
    assignment.remove([a[0]])
    assignment.open([a[0]])
    assignment.run(a[0], topic: 0)
    #expect(assignment.slot(topic: 0, partition: 0) == 0)
  }

  @Test func whatWasNeverOpenedCanBeRemoved() {
    var assignment = Assignment(inputs: 2)
    assignment.open([a[0], a[1]])
    assignment.run(a[1], topic: 0)
    assignment.remove([a[0], b[0], a[1]])
    #expect(assignment.held.isEmpty && slots(assignment).joined().allSatisfy { $0 == -1 })
  }
}
