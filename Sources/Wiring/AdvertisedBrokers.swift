import Dispatch
package import EventLog
package import KafkaLog
package import Logging
import Synchronization

/// The addresses under which a cluster's brokers want to be reached: clients use the bootstrap
/// servers only to ask for these.
package struct AdvertisedBrokers: Sendable {
  package struct Failure: Hashable, Sendable {
    package var address: String
    package var error: LogError
  }

  private let settings: KafkaSettings
  private let logger: Logger
  private static let patience = Duration.seconds(3)

  package init(_ settings: KafkaSettings, _ logger: Logger) {
    var kafka = settings
    kafka.requestTimeout = Self.patience
    kafka.whenUnreachable = { _ in }
    self.settings = kafka
    var logger = logger
    if logger.logLevel >= .info { logger.logLevel = .critical }
    self.logger = logger
  }

  /// Those of a cluster that can't be reached from here, or where something else answers.
  package func failures(of cluster: KafkaAdmin.Cluster) -> [Failure] {
    let others = others(of: cluster)
    let failures = Mutex<[Failure]>([])
    DispatchQueue.concurrentPerform(iterations: others.count) { index in
      guard let error = failure(at: others[index], of: cluster) else { return }
      failures.withLock { $0.append(Failure(address: others[index], error: error)) }
    }
    return failures.withLock { $0 }.sorted { $0.address < $1.address }
  }

  /// Why none of the brokers can be used although a bootstrap server answers; `nil` if one can be,
  /// or if nobody answers.
  package func obstacle() -> LogError? {
    var settings = settings
    settings.requestTimeout = .seconds(1)
    guard let cluster = try? KafkaLog(settings: settings, logger: logger).makeAdmin().cluster()
    else { return nil }
    return obstacle(in: cluster)
  }

  /// Why none of the brokers can be used; `nil` if one can be.
  package func obstacle(in cluster: KafkaAdmin.Cluster) -> LogError? {
    let others = others(of: cluster)
    // One that is a bootstrap server has just answered.
    guard others.count == cluster.brokers.count else { return nil }
    var failures: [Failure] = []
    for address in others.prefix(Self.triedAtStart) {
      guard let error = failure(at: address, of: cluster) else { return nil }
      failures.append(Failure(address: address, error: error))
    }
    return failures.isEmpty ? nil : Self.error(failures)
  }

  /// How many a start tries before it waits.
  private static let triedAtStart = 4

  private func others(of cluster: KafkaAdmin.Cluster) -> [String] {
    let known = Set(settings.bootstrapServers.split(separator: ",").map(Self.trimmed))
    return cluster.brokers.filter { !known.contains($0) }
  }

  package static func error(_ failures: [Failure]) -> LogError {
    let first = failures[0]
    let addresses = failures.map(\.address).joined(separator: ", ")
    return LogError(
      first.error.code,
      "the cluster advertises \(addresses), which can't be used from here: \(first.error.message)",
      reaction: first.error.reaction
    ).advised(
      "make the name known here, or set advertised.listeners of the brokers to an address that"
        + " clients reach")
  }

  private func failure(at address: String, of cluster: KafkaAdmin.Cluster) -> LogError? {
    var settings = settings
    settings.bootstrapServers = address
    do throws(LogError) {
      let found = try KafkaLog(settings: settings, logger: logger).makeAdmin().cluster()
      guard found.id != cluster.id else { return nil }
      return LogError(
        .unavailable, "another cluster answers there, \(found.id)", reaction: .retry)
    } catch { return error }
  }

  private static func trimmed(_ word: Substring) -> String {
    var word = word.trimmingPrefix { $0 == " " }
    while word.last == " " { word.removeLast() }
    return String(word)
  }
}
