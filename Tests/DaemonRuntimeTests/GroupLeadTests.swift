import EventLog
import Simulation
import Streams
import Testing

@testable import DaemonRuntime

@Suite struct GroupLeadTests {
  private static func identity(_ instance: String) -> StageIdentity {
    StageIdentity(application: "app", stage: "mlflow", instance: instance)
  }

  /// Lets all ask the group until nothing changes any more.
  private static func settle(_ leads: [GroupLead<MemoryLog>]) throws -> [Bool] {
    var held: [Bool] = []
    for _ in 0..<10 { held = try leads.map { try $0.renew() } }
    return held
  }

  @Test func oneOfSeveralHasTheLeadAndAnotherTakesItOver() throws {
    let log = MemoryLog()
    log.createTopic("models", partitions: 1)
    let processes = (0..<3).map { _ in SimulatedProcess() }
    var leads = try processes.enumerated().map { number, process in
      try GroupLead(log.connected(process), Self.identity("i\(number)"), topic: "models")
    }
    let held = try Self.settle(leads)
    #expect(held.filter(\.self).count == 1)
    let first = try #require(held.firstIndex(of: true))
    processes[first].kill()
    log.expireMembers(of: processes[first], group: Self.identity("").group)
    leads.remove(at: first)
    #expect(try Self.settle(leads).filter(\.self).count == 1)
  }

  /// A topic that has grown has more partitions than one; the first of them decides.
  @Test func partitionsAreNoLeads() throws {
    let log = MemoryLog()
    log.createTopic("models", partitions: 4)
    let leads = try (0..<3).map { number in
      try GroupLead(
        log.connected(SimulatedProcess()), Self.identity("i\(number)"), topic: "models")
    }
    #expect(try Self.settle(leads).filter(\.self).count == 1)
  }
}
