import EventLog
public import StateStore

/// Which log a store is of, kept in its meta table from its first commit on. A store of another
/// cluster, application, topic or changelog would be served and written on as if it were this
/// one's.
///
/// Format: one byte version (1), then six lines of UTF-8 text: cluster, application, input topic,
/// its partition count, the changelog's identity in hexadecimal and its offset, each of the last
/// two empty while it is not known.
public struct StoreOrigin: Hashable, Sendable {
  static let key: [UInt8] = Array("origin".utf8)
  private static let version: UInt8 = 1

  public var cluster: String
  public var application: String
  /// The topic that the state is computed from.
  public var input: String
  /// How many partitions the topic had when the store was made.
  public var partitions: Int32
  /// The identity of the store's changelog partition; `nil` for one that has none yet.
  public var changelog: ChangelogIdentity?
  /// Where the identity's record is.
  public var changelogOffset: Int64?

  public init(cluster: String, application: String, input: String, partitions: Int32) {
    self.cluster = cluster
    self.application = application
    self.input = input
    self.partitions = partitions
  }

  /// - Returns: `nil` for bytes that are none of this version.
  public init?(decoding bytes: RawSpan) {
    guard bytes.byteCount > 1, bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == Self.version
    else { return nil }
    let text = String(
      decoding: Array(copying: bytes.extracting(1..<bytes.byteCount)), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 6, let partitions = Int32(lines[3]) else { return nil }
    self.init(
      cluster: String(lines[0]), application: String(lines[1]), input: String(lines[2]),
      partitions: partitions)
    changelog = ChangelogIdentity(text: lines[4])
    changelogOffset = Int64(lines[5])
  }

  var encoded: [UInt8] {
    let lines = [
      cluster, application, input, "\(partitions)", changelog?.text ?? "",
      changelogOffset.map { "\($0)" } ?? "",
    ]
    return [Self.version] + lines.joined(separator: "\n").utf8
  }

  /// How this store's log differs from the one that was met, in words; `nil` when it does not, as
  /// far as names and counts tell. More partitions than before are no other topic.
  public func difference(from met: StoreOrigin) -> String? {
    if cluster != met.cluster { return "is of the cluster \(cluster), and this is \(met.cluster)" }
    if application != met.application {
      return "is of the application \(application), and this is \(met.application)"
    }
    if input != met.input { return "is computed from \(input), and the stage reads \(met.input)" }
    if partitions > met.partitions {
      return "was begun when \(input) had \(partitions) partitions, and it has \(met.partitions)"
    }
    return nil
  }
}

extension StateSnapshot {
  /// Which log the store is of; `nil` for one that an earlier version of this program wrote.
  public func origin() throws(StoreError) -> StoreOrigin? {
    let key = StoreOrigin.key
    return try get(.meta, key.span.bytes) { value in
      if let value { StoreOrigin(decoding: value) } else { nil }
    }
  }
}
