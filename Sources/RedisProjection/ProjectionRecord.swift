/// What Redis says of the rows of one Feast project: which application projected which log into
/// it, and how far. There is one record a project, checked by every write.
public struct ProjectionRecord: Hashable, Sendable {
  /// Whose rows they are.
  public struct Owner: Hashable, Sendable, CustomStringConvertible {
    public var application: String
    /// The id of the cluster that holds the log.
    public var cluster: String

    public init(application: String, cluster: String) {
      self.application = application
      self.cluster = cluster
    }

    public var description: String { "the application \(application) on the cluster \(cluster)" }
  }

  public var owner: Owner
  /// Rises with each claim, and is the generation of the rows' fences: later rows win over those of
  /// earlier epochs, and writers of an earlier epoch are refused.
  public var epoch: UInt64
  /// Whether rows of earlier epochs may be left.
  public var hasLeftovers: Bool
  /// How far each partition was projected, by its name: `user-features[0]`.
  public var positions: [String: ProjectionPosition]

  public init(
    owner: Owner, epoch: UInt64, hasLeftovers: Bool = false,
    positions: [String: ProjectionPosition] = [:]
  ) {
    self.owner = owner
    self.epoch = epoch
    self.hasLeftovers = hasLeftovers
    self.positions = positions
  }

  /// The record's own key. Feast looks for keys that begin with a serialized entity key, which
  /// this one does not.
  public static func key(project: String) -> String { "projectionist:\(project):record" }

  enum Field {
    static let format = "format"
    static let application = "application"
    static let cluster = "cluster"
    static let epoch = "epoch"
    static let leftovers = "leftovers"
  }

  static let format = "1"

  /// Reads the hash's fields; `nil` for those of another format.
  init?(fields: [String: String]) {
    guard fields[Field.format] == Self.format, let application = fields[Field.application],
      let cluster = fields[Field.cluster], let epoch = fields[Field.epoch].flatMap(UInt64.init)
    else { return nil }
    self.init(
      owner: Owner(application: application, cluster: cluster), epoch: epoch,
      hasLeftovers: fields[Field.leftovers] != nil)
    for (name, text) in fields where name.hasSuffix("]") {
      guard let position = ProjectionPosition(text) else { return nil }
      positions[name] = position
    }
  }

  /// The hash's fields and values, one after another.
  var fields: [String] {
    var fields = [
      Field.format, Self.format, Field.application, owner.application, Field.cluster,
      owner.cluster, Field.epoch, "\(epoch)",
    ]
    if hasLeftovers { fields += [Field.leftovers, "1"] }
    for (name, position) in positions.sorted(by: { $0.key < $1.key }) {
      fields += [name, position.text]
    }
    return fields
  }
}

/// How far one partition was projected.
public struct ProjectionPosition: Hashable, Sendable {
  /// Offset of the next record to project.
  public var next: Int64
  /// The last record before it, by which the log is recognized; `nil` when there was none.
  public var last: RecordMark?

  public init(next: Int64, last: RecordMark? = nil) {
    self.next = next
    self.last = last
  }

  /// `next`, or `next:offset:timestamp:hash`.
  public var text: String {
    guard let last else { return "\(next)" }
    return "\(next):\(last.offset):\(last.timestamp):\(last.hash)"
  }

  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, let next = Int64(first) else { return nil }
    self.next = next
    guard parts.count > 1 else { return }
    guard parts.count == 4, let offset = Int64(parts[1]), let timestamp = Int64(parts[2]),
      let hash = UInt32(parts[3])
    else { return nil }
    last = RecordMark(offset: offset, timestamp: timestamp, hash: hash)
  }
}

/// Tells a record of a log from any other, as far as a few bytes can.
public struct RecordMark: Hashable, Sendable {
  public var offset: Int64
  public var timestamp: Int64
  /// Of its key and value.
  public var hash: UInt32

  public init(offset: Int64, timestamp: Int64, hash: UInt32) {
    self.offset = offset
    self.timestamp = timestamp
    self.hash = hash
  }

  public init(offset: Int64, timestamp: Int64, key: RawSpan?, value: RawSpan?) {
    // A null differs from an empty text.
    var hash: UInt32 = 1
    if let key { hash = murmur3x86(key, seed: 2) }
    if let value { hash = murmur3x86(value, seed: hash &* 31) }
    self.init(offset: offset, timestamp: timestamp, hash: hash)
  }
}

/// What a write must find in the record, and what it leaves there. A writer that finds something
/// else writes nothing.
public struct ProjectionPermit: Sendable {
  /// A partition's position before and after a write.
  public struct Advance: Hashable, Sendable {
    public var partition: String
    /// `nil` when the record must have none.
    public var from: ProjectionPosition?
    public var to: ProjectionPosition

    public init(partition: String, from: ProjectionPosition?, to: ProjectionPosition) {
      self.partition = partition
      self.from = from
      self.to = to
    }
  }

  public let project: String
  public let owner: ProjectionRecord.Owner
  public let epoch: UInt64
  /// Made when all rows are written.
  public var advances: [Advance] = []
  /// Whether rows are written over stored ones of an equal fence as well: what stands there under
  /// the same record may have been changed by somebody else.
  public var replacesEqual = false

  public init(project: String, owner: ProjectionRecord.Owner, epoch: UInt64) {
    self.project = project
    self.owner = owner
    self.epoch = epoch
  }
}

/// Why Redis refuses a write: its record is not as the writer knows it.
public enum ProjectionRefusal: String, Hashable, Sendable, CaseIterable {
  /// There is no record: Redis was emptied, or never filled.
  case missing
  /// It is of another owner or epoch.
  case claimed
  /// It has another position: Redis lost writes, or another writer went on.
  case moved
}
