import CRdkafka

/// A fault of librdkafka that this module works around.
///
/// Each one is declared next to its workaround, in a file of this folder. The workaround asks
/// `isNeeded(by:)`, so a library that no longer has the fault runs without it.
struct Mend: Sendable {
  /// What goes wrong, in one sentence.
  let fault: String
  /// The issue or pull request, or the function of librdkafka at fault.
  let source: String
  /// The first version without the fault; `nil` if 2.15 still has it, or nobody knows.
  let mendedIn: LibraryVersion?

  /// Whether a version has the fault.
  func isNeeded(by version: LibraryVersion = .linked) -> Bool {
    guard let mendedIn else { return true }
    return version < mendedIn
  }

  static let all: [Mend] = [
    .spinningMainThread, .sleepingFetchers, .skippedRecords, .shortSeekTimeout,
    .indestructibleMember, .slowFencing, .coordinatorRequests, .requeuedByAbort, .vanishedTopic,
  ]
}

/// A release of librdkafka.
struct LibraryVersion: Comparable, Sendable, CustomStringConvertible {
  let major: Int32
  let minor: Int32
  let patch: Int32

  init(_ major: Int32, _ minor: Int32, _ patch: Int32) {
    (self.major, self.minor, self.patch) = (major, minor, patch)
  }

  /// - Parameter native: as `rd_kafka_version` returns it, `0xMMmmrrxx`. The last byte numbers
  ///   release candidates, which count as their release.
  init(native: Int32) {
    self.init(native >> 24, native >> 16 & 0xff, native >> 8 & 0xff)
  }

  /// The library in this process, which may be newer than the headers it was built with.
  static let linked = LibraryVersion(native: rd_kafka_version())

  static func < (a: LibraryVersion, b: LibraryVersion) -> Bool {
    (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
  }

  var description: String { "\(major).\(minor).\(patch)" }
}
