import EventLog
import Testing

@testable import KafkaLog

/// What only real brokers do with groups: members, offsets, fencing by name.
@Suite(.needsApacheKafka, .serialized)
struct ApacheKafkaGroupTests: ApacheKafkaSuite {
  @Test func offsetsBelongToTheTransaction() throws {
    try withTopics(["input": 1, "output": 1]) { prefix, admin in
      let (input, output) = (prefix + "input", prefix + "output")
      let zero = TopicPartition(input, 0)
      let source = try producer([input])
      for number in 0..<10 { try source.send("\(number)") }
      try source.flush(timeout: patience)
      let member = try member(input, group: prefix + "group")
      #expect(try join(member, expecting: 10).count == 10)
      let producer = try producer([output], id: prefix + "id")
      for number in 1...10 as ClosedRange<Int64> {
        try producer.beginTransaction()
        try producer.send("\(number)")
        try producer.commitTransaction(offsets: [zero: number], of: member, timeout: patience)
        #expect(try member.committed([zero]) == [zero: number])
      }
      #expect(try admin.committed(group: prefix + "group", of: [zero]) == [zero: 10])
    }
  }

  /// An operator moves a group only while it has no members, and what is set says who has set it.
  @Test func offsetsAreSetFromOutsideOnceTheGroupIsEmpty() throws {
    try withTopics(["input": 1]) { prefix, admin in
      let (input, group) = (prefix + "input", prefix + "group")
      let zero = TopicPartition(input, 0)
      let source = try producer([input])
      for number in 0..<10 { try source.send("\(number)") }
      try source.flush(timeout: patience)
      #expect(try admin.commits(group: group, of: [zero]) == [:])
      let member = try member(input, group: group)
      _ = try join(member, expecting: 10)
      #expect { try admin.commit([zero: 3], group: group, stamp: .accepted) } throws: {
        ($0 as? LogError)?.code == .fenced
      }
      #expect(try admin.commits(group: group, of: [zero]) == [:])
      member.close(leaving: true)
      try admin.commit([zero: 4], group: group, stamp: .accepted)
      #expect(try admin.commits(group: group, of: [zero]) == [zero: GroupOffset(4, .accepted)])
      #expect(try admin.committed(group: group, of: [zero]) == [zero: 4])
    }
  }

  /// The broker lists members' partitions for a stable group only.
  @Test func membersAreListedWithTheirPartitionsOrNotAtAll() throws {
    try withTopics(["input": 2]) { prefix, admin in
      let (input, group) = (prefix + "input", prefix + "group")
      let all = Set((0..<2).map { TopicPartition(input, $0) })
      func turn(_ member: KafkaConsumer) throws {
        let result = try member.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
        switch result.rebalance {
        case .assigned(let partitions): try member.assign(partitions.map { ($0, .beginning) })
        case .revoked(let partitions), .lost(let partitions): try member.unassign(partitions)
        case nil: break
        }
      }
      func wait(_ polled: [KafkaConsumer], for done: ([KafkaAdmin.GroupMember]?) -> Bool) throws {
        let deadline = ContinuousClock.now + patience
        while try !done(admin.members(of: group)) {
          try #require(ContinuousClock.now < deadline)
          for member in polled { try turn(member) }
        }
      }
      #expect(try admin.members(of: group) == nil)
      let first = try member(input, group: group)
      try wait([first]) { $0?.map(\.partitions) == [all] }
      // The first member doesn't answer, so the group is stuck.
      let second = try member(input, group: group)
      try wait([second]) { $0 == nil }
      try wait([first, second]) {
        $0?.count == 2 && $0?.reduce(into: []) { $0.formUnion($1.partitions) } == all
          && $0?.allSatisfy { $0.partitions.count == 1 } == true
      }
      first.close()
      second.close()
    }
  }

  @Test func aReplacedMemberCannotCommit() throws {
    try withTopics(["input": 1, "output": 1]) { prefix, _ in
      let (input, output) = (prefix + "input", prefix + "output")
      let zero = TopicPartition(input, 0)
      let source = try producer([input])
      try source.send("0", partition: 0)
      try source.flush(timeout: patience)
      // Static members with the same name: the second replaces the first.
      let configuration = ConsumerConfiguration(
        topics: [input], group: prefix + "group", instanceID: prefix + "member",
        clientID: "member")
      let elder = try log.makeConsumer(configuration)
      _ = try join(elder, expecting: 1)
      let producer = try producer([output], id: prefix + "id")
      try producer.beginTransaction()
      try producer.send("stale")
      let younger = try log.makeConsumer(configuration)
      _ = try join(younger, expecting: 1)
      #expect {
        try producer.commitTransaction(offsets: [zero: 1], of: elder, timeout: patience)
      } throws: {
        ($0 as? LogError)?.code == .fenced
      }
      try producer.abortTransaction(timeout: patience)
      #expect(try younger.committed([zero]) == [:])
      var records: [Copied] = []
      #expect { try poll(elder, into: &records) { _, _ in false } } throws: {
        ($0 as? LogError)?.code == .fenced
      }
    }
  }
}
