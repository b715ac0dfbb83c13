import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Logging
import Pipeline
import RedisProjection
import Streams
import Wiring

/// Removes what a demo has made, once its processes have ended. Works from its directory alone, so
/// that another process can do it.
package struct DemoCleanUp {
  /// Members of a group that were killed stay in it for the session timeout.
  private static let deadline = Duration.seconds(90)
  private static let pause = 0.25
  /// A request to create topics may still be under way: none must be there as often as this.
  private static let quietLooks = 3

  private let directory: String
  /// Whether the broker and Redis live on after the demo.
  private let clearsCluster: Bool
  private let clearsRedis: Bool

  package init(directory: String, clearsCluster: Bool, clearsRedis: Bool) {
    self.directory = directory
    self.clearsCluster = clearsCluster
    self.clearsRedis = clearsRedis
  }

  /// The arguments of the command that does the same in a process of its own.
  var arguments: [String] {
    [Self.command, directory] + (clearsCluster ? ["--cluster"] : [])
      + (clearsRedis ? ["--redis"] : [])
  }

  package static let command = "demo-caretaker"

  /// Waits until the demo has ended, in whatever way, and then cleans up.
  ///
  /// - Returns: what could not be removed, one sentence each.
  package func runAfterTheDemo() -> [String] {
    // Whatever ends the demo must not end this.
    for number in [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE] { signal(number, SIG_IGN) }
    var byte: UInt8 = 0
    while true {
      let count = read(STDIN_FILENO, &byte, 1)
      if count == 0 || count < 0 && errno != EINTR { break }
    }
    return run()
  }

  /// - Returns: what could not be removed, one sentence each.
  func run() -> [String] {
    var problems: [String] = []
    func attempt(_ what: String, _ body: () throws -> Void) {
      do { try body() } catch { problems.append("\(what): \(error)") }
    }
    if let settings {
      let prefix = settings.topics.prefix
      if clearsCluster {
        attempt("topics and groups of \(prefix)") { try clearCluster(settings) }
      }
      if clearsRedis {
        let project = settings.feastProjection.project
        attempt("keys of \(project) in Redis") {
          try ProjectRemoval.deleteKeys(naming: project, settings.redisConfiguration)
        }
      }
    }
    attempt(directory) { try removeDirectory() }
    return problems
  }

  /// What the demo ran with; `nil` if it ended before it made anything.
  private var settings: Settings? {
    let name = "\(directory)/\(DemoConfiguration.fileName)"
    guard let yaml = try? String(contentsOfFile: name, encoding: .utf8) else { return nil }
    let file = ConfigurationFile(name: name, yaml: yaml)
    return try? LoadedSettings(file: file, environment: [:], flags: []).settings
  }

  private func removeDirectory() throws {
    // A process that was killed just now may not be quite gone.
    let end = ContinuousClock.now + .seconds(5)
    while FileManager.default.fileExists(atPath: directory) {
      do { try FileManager.default.removeItem(atPath: directory) } catch {
        guard ContinuousClock.now < end else { throw error }
        Thread.sleep(forTimeInterval: Self.pause)
      }
    }
  }

  // MARK: The cluster

  private func clearCluster(_ settings: Settings) throws {
    // It tells what went wrong itself.
    var logger = Logger(label: Self.command)
    logger.logLevel = .critical
    let admin = try settings.makeAdmin(logger)
    let end = ContinuousClock.now + Self.deadline
    let topics = Set(try TopicCatalog.topics(settings).map(\.name))
    try retry(until: end) { try deleteTopics(topics, admin, until: end) }
    try retry(until: end) { try deleteGroups(settings.topology.groups, admin) }
  }

  /// Repeats what fails while there is time.
  private func retry(until end: ContinuousClock.Instant, _ body: () throws -> Void) throws {
    while true {
      do { return try body() } catch {
        guard ContinuousClock.now < end else { throw error }
        Thread.sleep(forTimeInterval: Self.pause)
      }
    }
  }

  private func deleteTopics(
    _ names: Set<String>, _ admin: KafkaAdmin, until end: ContinuousClock.Instant
  ) throws {
    var looks = 0
    while looks < Self.quietLooks {
      guard ContinuousClock.now < end else {
        throw CommandFailure(.unavailable, "the cluster does not delete them in time")
      }
      let present = names.intersection(try admin.topics().keys)
      looks = present.isEmpty ? looks + 1 : 0
      for case (_, .failed(let error)) in try admin.delete(Array(present)) { throw error }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }

  private func deleteGroups(_ names: [String], _ admin: KafkaAdmin) throws {
    for case (_, .failed(let error)) in try admin.delete(groups: names) { throw error }
  }
}
