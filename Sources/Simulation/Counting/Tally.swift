public import StateStore

/// The counting stage's state of one key. The digest depends on the order of the values.
public struct Tally: StoredValue, Hashable, Sendable {
  /// Bytes that are no tally.
  public struct Unreadable: Error {}

  public var count: Int64 = 0
  public var sum: Int64 = 0
  public var digest: UInt64 = 0

  public init() {}

  public init(decoding bytes: RawSpan) throws(Unreadable) {
    let fields = String(decoding: Array(copying: bytes), as: UTF8.self).split(separator: ",")
    guard fields.count == 3, let count = Int64(fields[0]), let sum = Int64(fields[1]),
      let digest = UInt64(fields[2])
    else { throw Unreadable() }
    (self.count, self.sum, self.digest) = (count, sum, digest)
  }

  public func encode(into bytes: inout [UInt8]) { bytes += text.utf8 }

  public mutating func add(_ value: Int64) {
    count += 1
    sum += value
    digest = digest &* 31 &+ UInt64(bitPattern: value)
  }

  public var text: String { "\(count),\(sum),\(digest)" }
  public var encoded: [UInt8] { Array(text.utf8) }

  /// The tally after one more record: a number is added, anything else removes the key.
  public static func next(_ tally: Tally?, _ value: [UInt8]?) -> Tally? {
    guard let number = Int64(String(decoding: value ?? [], as: UTF8.self)) else { return nil }
    var next = tally ?? Tally()
    next.add(number)
    return next
  }

  /// What the stage sends for a record: its offset and the tally after it.
  public static func output(_ offset: Int64, _ tally: Tally?) -> String {
    "\(offset):\(tally?.text ?? "none")"
  }
}

extension Table {
  public static let tallies = Table(rawValue: 1)
}
