import EventLog

extension Mend {
  /// While the coordinator aborts what a predecessor has left open, some ten milliseconds, it
  /// answers a new producer's InitProducerId with CONCURRENT_TRANSACTIONS. librdkafka asks again
  /// only after half a second (`rd_kafka_idemp_pid_timer_restart`), and a takeover takes that long.
  ///
  /// A new client asks at once, so a producer that has had no answer soon is replaced.
  static let slowFencing = Mend(
    fault: "A producer that must wait for its predecessor's abort asks again after half a second.",
    source: "rd_kafka_idemp_pid_timer_restart",
    mendedIn: nil)

  /// Initialises a transactional producer, which fences its predecessor, and replaces it by a new
  /// one if that takes long: after 80 ms at first, then after twice as long each time.
  static func fence(
    with producer: inout RdkafkaProducer, timeout: Duration,
    _ version: LibraryVersion = .linked, make: () throws(LogError) -> RdkafkaProducer
  ) throws(LogError) {
    let began = ContinuousClock.now
    let deadline = began + timeout
    var patience = slowFencing.isNeeded(by: version) ? Duration.milliseconds(80) : timeout
    while true {
      let isLast = .now + patience >= deadline
      do throws(LogError) {
        return try producer.initTransactions(
          timeout: isLast ? deadline - .now : patience, since: began)
      } catch {
        guard error.reaction == .retry, !isLast else { throw error }
      }
      producer.close()
      producer = try make()
      patience *= 2
    }
  }
}
