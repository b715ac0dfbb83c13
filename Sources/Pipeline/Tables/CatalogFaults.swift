import Codecs
import EventLog
public import Logging
import Synchronization

/// The records of `movies` that are no movies, counted and logged once each.
///
/// A process has several readers of the topic, and starts them again after a failure. Each of them
/// reads a partition in order, so whatever lies below the newest record noted of a partition has
/// been noted already.
public final class CatalogFaults: Sendable {
  /// A topic full of something else must not fill the log.
  static let mostLogged = 100

  private struct State {
    var newest: [Int32: Int64] = [:]
    var count: Int64 = 0
    /// Whether a key in another form was noted.
    var hasForm = false
  }

  private let state = Mutex(State())
  private let logger: Logger

  /// For a process that only reads the catalog, and leaves its faults to the daemon.
  public convenience init() {
    self.init(logger: Logger(label: "catalog") { _ in SwiftLogNoOpLogHandler() })
  }

  public init(logger: Logger) {
    self.logger = logger
  }

  /// How many there have been.
  public var count: Int64 { state.withLock(\.count) }

  /// Notes once that keys are movies' ids in another form, as with quotes around them: for Kafka
  /// they are other keys, and compaction keeps what was removed under the plain one.
  func noteForm(of record: borrowing RecordView, in topic: String, movie: Int64) {
    guard let key = record.key, !key.equals("\(movie)") else { return }
    let isFirst = state.withLock { state in
      defer { state.hasForm = true }
      return !state.hasForm
    }
    guard isFirst else { return }
    logger.warning(
      """
      a key of the catalog is not the movie's id in plain digits: for Kafka the two are different \
      keys, so what stands under this one comes back unless it is removed under this one
      """,
      metadata: [
        "topic": "\(topic)", "partition": "\(record.partition)", "offset": "\(record.offset)",
        "key": "\(String(decoding: Array(copying: key), as: UTF8.self))", "movie": "\(movie)",
      ])
  }

  /// - Parameter reason: what is wrong and what to do, in one clause.
  func note(topic: String, partition: Int32, offset: Int64, reason: String) {
    let count: Int64? = state.withLock { state in
      if let newest = state.newest[partition], offset <= newest { return nil }
      state.newest[partition] = offset
      state.count += 1
      return state.count
    }
    guard let count, count <= Self.mostLogged else { return }
    logger.warning(
      "a record of the catalog is skipped",
      metadata: [
        "topic": "\(topic)", "partition": "\(partition)", "offset": "\(offset)",
        "reason": "\(reason)",
      ])
    if count == Self.mostLogged {
      logger.warning("further records of the catalog that are skipped are only counted")
    }
  }
}
