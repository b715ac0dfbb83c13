import EventLog
import Simulation
import Synchronization
import Testing

struct SchedulerTests {
  /// Two threads that write their names at each of their effects.
  private func order(seed: UInt64) throws -> [String] {
    let scheduler = Scheduler(seed: seed, switchRate: 2, onTick: { _ in })
    let log = MemoryLog()
    log.createTopic("t", partitions: 1)
    let written = Mutex<[String]>([])
    let processes = ["a", "b"].map { name in
      SimulatedProcess(
        name, scheduler: scheduler, onEffect: { _, _ in written.withLock { $0.append(name) } })
    }
    let threads = processes.map { process in
      scheduler.spawn(process.name, of: process) {
        let producer = try? log.connected(process).makeProducer(
          ProducerConfiguration(topics: ["t"], delivery: .idempotent, clientID: process.name))
        for _ in 0..<20 { try? producer?.send(topic: 0, key: nil, value: nil) }
      }
    }
    while !threads.allSatisfy(scheduler.hasEnded) { scheduler.sleep(.milliseconds(10)) }
    return written.withLock { $0 }
  }

  @Test func theOrderIsTheSeeds() throws {
    let orders = try (UInt64(0)..<8).map { try order(seed: $0) }
    for (seed, found) in orders.enumerated() {
      #expect(found.count == 42)
      #expect(try order(seed: UInt64(seed)) == found)
      // Neither ran to its end before the other one began.
      #expect(Set(found.prefix(40)) == ["a", "b"])
    }
    #expect(Set(orders).count == 8)
  }

  @Test func timePassesOnlyWhenAllWait() {
    let scheduler = Scheduler(seed: 1, switchRate: 2, onTick: { _ in })
    #expect(scheduler.now == .zero)
    scheduler.sleep(.seconds(3600))
    #expect(scheduler.now == .seconds(3600))
  }

  @Test func whoStandsStillHasNoTurn() {
    let scheduler = Scheduler(seed: 1, switchRate: 2, onTick: { _ in })
    let process = SimulatedProcess("a", scheduler: scheduler)
    process.stall(until: .seconds(10))
    let ran = Mutex<Duration?>(nil)
    let thread = scheduler.spawn("a", of: process) { ran.withLock { $0 = scheduler.now } }
    scheduler.sleep(.seconds(9))
    #expect(!scheduler.hasEnded(thread))
    scheduler.sleep(.seconds(2))
    #expect(scheduler.hasEnded(thread))
    #expect(ran.withLock { $0 } ?? .zero >= .seconds(10))
  }
}
