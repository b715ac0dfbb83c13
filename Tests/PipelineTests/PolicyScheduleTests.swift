import Codecs
import Ratings
import Simulation
import Testing

@testable import Pipeline

/// By what a partition's events are judged, as a value.
@Suite struct PolicyScheduleTests {
  private static let policies = [
    IntakePolicy.earlier, IntakePolicy(), IntakePolicy(accepts: []),
    IntakePolicy(timeZone: "Europe/Berlin"), IntakePolicy(accepts: [.numberAsText]),
  ]

  /// A list with the policy of every single offset.
  private struct Oracle {
    static let length = Int64(60)
    var policies = [IntakePolicy](repeating: .earlier, count: Int(length))

    mutating func begin(_ policy: IntakePolicy, at offset: Int64) {
      for index in Int(offset)..<policies.count { policies[index] = policy }
    }

    func check(_ schedule: PolicySchedule, _ comment: Comment) {
      for offset in 0..<Self.length {
        let ruling = schedule.ruling(at: offset)
        #expect(ruling.end > offset, comment)
        for covered in offset..<min(ruling.end, Self.length) {
          #expect(ruling.recorded == .policy(policies[Int(covered)]), comment)
        }
      }
    }
  }

  @Test(arguments: UInt64(0)..<50) func everyOffsetHasThePolicyThatBegan(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var oracle = Oracle()
    var schedule = PolicySchedule()
    // What somebody makes of the records that are written.
    var copy = PolicySchedule()
    for step in 0..<20 {
      let policy = Self.policies[Int.random(in: 0..<Self.policies.count, using: &random)]
      // A topic that was recreated begins at a low offset again.
      let offset = Int64.random(in: 0..<Oracle.length, using: &random)
      let changes = schedule.begin(policy, at: offset)
      oracle.begin(policy, at: offset)
      for change in changes { copy.apply(change) }
      oracle.check(schedule, "seed \(seed), step \(step)")
      #expect(copy == schedule)
      let isSorted = zip(schedule.entries, schedule.entries.dropFirst())
        .allSatisfy { $0.from < $1.from }
      #expect(isSorted)
      #expect(schedule.begin(policy, at: offset).isEmpty, "it holds already")
      #expect(schedule.begin(policy, at: offset + 1).isEmpty)
    }
  }

  /// Where nothing was written, somebody must be able to tell that this version has judged.
  @Test func theFirstPolicyIsWrittenWhateverItIs() {
    var schedule = PolicySchedule()
    #expect(schedule.begin(.earlier, at: 7) == [.set(.earlier, from: 7)])
    #expect(schedule.begin(.earlier, at: 9).isEmpty)
  }

  @Test func whatIsOfAnotherTopicGoes() {
    var schedule = PolicySchedule()
    _ = schedule.begin(IntakePolicy(), at: 0)
    _ = schedule.begin(IntakePolicy(accepts: []), at: 500)
    let changes = schedule.begin(IntakePolicy(accepts: []), at: 3)
    #expect(changes == [.remove(from: 500), .set(IntakePolicy(accepts: []), from: 3)])
    #expect(schedule.entries.map(\.from) == [0, 3])
  }

  /// A record that is set again at its offset, as after a crash, takes the place of the one before.
  @Test func anOffsetHasOneEntry() {
    var schedule = PolicySchedule()
    _ = schedule.begin(IntakePolicy(), at: 4)
    #expect(
      schedule.begin(IntakePolicy(accepts: []), at: 4) == [.set(IntakePolicy(accepts: []), from: 4)]
    )
    #expect(schedule.entries.map(\.from) == [4])
    schedule.set(nil, from: 3)
    schedule.set(nil, from: 4)
    #expect(schedule.entries.isEmpty)
  }

  // MARK: Records

  @Test func policiesAreReadBack() throws {
    var format = PolicyFormat()
    var writer = JSONWriter()
    for policy in Self.policies {
      writer.removeAll()
      PolicyFormat.write(policy, to: &writer)
      #expect(try format.read(writer.bytes) == policy)
    }
    #expect(
      String(decoding: writer.copyBytes(), as: UTF8.self)
        == #"{"format":1,"rules":2,"accept":["number_as_text"],"time_zone":"UTC"}"#)
  }

  @Test(arguments: [
    (#"{"format":2,"rules":2,"accept":[],"time_zone":"UTC"}"#, "format 2"),
    (#"{"format":1,"rules":3,"accept":[],"time_zone":"UTC"}"#, "edition 3"),
    (#"{"format":1,"rules":2,"accept":["dreams"],"time_zone":"UTC"}"#, "\"dreams\""),
    (#"{"format":1,"rules":2,"accept":[7],"time_zone":"UTC"}"#, "coercion"),
    (#"{"format":1,"rules":2,"accept":"all","time_zone":"UTC"}"#, "accept"),
    (#"{"format":1,"rules":2,"accept":[]}"#, "time_zone"), ("[]", ""), ("", ""),
  ])
  func othersAreRefusedWithAReason(value: String, word: String) {
    var format = PolicyFormat()
    let bytes = Array(value.utf8)
    do throws(RecordError) {
      _ = try format.read(bytes.span.bytes)
      Issue.record("\(value) was read")
    } catch {
      #expect(error.message.contains(word) || word.isEmpty, "\(error)")
    }
  }

  @Test func keysNameTheGroupThePartitionAndTheOffset() {
    let place = PolicyPlace(group: "test.films-intake.g2", partition: 3, offset: 1 << 40)
    let key = place.key
    #expect(String(decoding: key, as: UTF8.self) == "intake:test.films-intake.g2:3:1099511627776")
    #expect(PolicyPlace(key: key.span.bytes) == place)
    for other in [
      "owner", "", "intake", "intake:a:1", "intake:a:1:2:3", "intake:a:-1:2", "intake:a:1:x",
      "outtake:a:1:2", "intake:a:99999999999:2",
    ] {
      let bytes = Array(other.utf8)
      let read = PolicyPlace(key: bytes.span.bytes)
      #expect(read == nil, "\(other)")
    }
  }
}
