public import Codecs

/// The times of a movie's ratings, kept in case the first or last of them is taken back.
///
/// One row per rating would cost a write for each event, though the times are rarely read. Instead,
/// times added and removed are entries of a journal, in blocks of `blockEntries`: a batch appends
/// to the last block until it is full, then starts the next. Folding the blocks gives the remaining
/// times. Where a block ends depends only on the entries before it, never on batches: the same
/// events give the same bytes.
///
/// A value of this type says where the journal ends. An entry is the time in milliseconds, zigzag
/// coded and shifted left by one, with the lowest bit set for a removal; as LEB128.
public struct TimeJournal: Hashable, Sendable {
  /// One time, added or removed.
  public struct Entry: Hashable, Sendable {
    public var milliseconds: Int64
    public var isRemoval: Bool

    public init(milliseconds: Int64, isRemoval: Bool) {
      self.milliseconds = milliseconds
      self.isRemoval = isRemoval
    }
  }

  /// How many entries fill a block.
  static let blockEntries = 64
  /// How many entries a journal may hold beyond two for each remaining time.
  static let slack = 1024

  /// Number of the last block; blocks count from 0.
  public private(set) var lastBlock: Int64 = 0
  private var lastBlockEntries = 0
  /// Entries of all blocks.
  public private(set) var entries = 0

  public init() {}

  /// How many blocks there are.
  public var blocks: Int64 { entries == 0 ? 0 : lastBlock + 1 }

  /// The block that the next entry is appended to; `nil` if it starts a new one.
  public var openBlock: Int64? {
    (1..<Self.blockEntries).contains(lastBlockEntries) ? lastBlock : nil
  }

  /// Makes room for an entry.
  ///
  /// - Returns: the number of its block.
  public mutating func extend() -> Int64 {
    if lastBlockEntries >= Self.blockEntries {
      lastBlock += 1
      lastBlockEntries = 0
    }
    lastBlockEntries += 1
    entries += 1
    return lastBlock
  }

  /// Whether so many entries have cancelled each other out that the journal should be rewritten.
  public func isWorthRewriting(remaining: Int) -> Bool {
    entries > 2 * remaining + Self.slack
  }

  /// Appends an entry to a block.
  public static func append(_ entry: Entry, to block: inout [UInt8]) {
    block.append(atMost: 10) { writer in
      let time = entry.milliseconds
      let zigzag = UInt64(bitPattern: (time << 1) ^ (time >> 63))
      writer.varint(zigzag << 1 | (entry.isRemoval ? 1 : 0))
    }
  }

  /// Hands the entries of a block to `body`.
  public static func forEach(in block: RawSpan, _ body: (Entry) -> Void) throws(CodecError) {
    var reader = ByteReader(block)
    while !reader.isAtEnd {
      let coded = try reader.varint()
      let zigzag = coded >> 1
      body(
        Entry(
          milliseconds: Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1),
          isRemoval: coded & 1 == 1))
    }
  }

  func encode(into bytes: inout ByteWriter) {
    bytes.varint(UInt64(lastBlock))
    bytes.varint(UInt64(lastBlockEntries))
    bytes.varint(UInt64(entries))
  }

  init(from reader: inout ByteReader) throws(CodecError) {
    lastBlock = try reader.varint(as: Int64.self)
    lastBlockEntries = try reader.varint(as: Int.self)
    entries = try reader.varint(as: Int.self)
  }
}

/// Folds the entries of a journal into the times that remain.
public struct RemainingTimes: Sendable {
  private var counts: [Int64: Int] = [:]

  public init() {}

  public mutating func apply(_ entry: TimeJournal.Entry) {
    let count = counts[entry.milliseconds, default: 0] + (entry.isRemoval ? -1 : 1)
    counts[entry.milliseconds] = count == 0 ? nil : count
  }

  /// The remaining times, in order, with repeats.
  public var sorted: [Int64] {
    counts.sorted { $0.key < $1.key }.flatMap { repeatElement($0.key, count: max(0, $0.value)) }
  }
}
