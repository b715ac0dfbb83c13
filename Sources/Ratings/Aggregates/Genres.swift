public import Codecs

/// The genres of a movie: numbers given by a `GenreDictionary`, one bit each.
public struct GenreSet: RawRepresentable, Hashable, Sendable, Sequence {
  public var rawValue: UInt64

  public init(rawValue: UInt64 = 0) {
    self.rawValue = rawValue
  }

  @inlinable
  public mutating func insert(_ genre: UInt8) {
    precondition(genre < 64)
    rawValue |= 1 << UInt64(genre)
  }

  mutating func remove(_ genre: UInt8) {
    rawValue &= ~(1 << UInt64(genre))
  }

  /// Whether the genre is in the set; a bit test, where the sequence's own would search.
  @inlinable
  package func contains(_ genre: UInt8) -> Bool {
    rawValue & (1 << UInt64(genre)) != 0
  }

  public struct Iterator: IteratorProtocol {
    fileprivate var bits: UInt64

    public mutating func next() -> UInt8? {
      guard bits != 0 else { return nil }
      let lowest = UInt8(bits.trailingZeroBitCount)
      bits &= bits - 1
      return lowest
    }
  }

  /// Iterates over the numbers, in rising order.
  public func makeIterator() -> Iterator { Iterator(bits: rawValue) }
}

/// Numbers genres in the order of their first appearance. It is part of the state: stored values
/// refer to genres by these numbers.
public struct GenreDictionary: Hashable, Sendable {
  /// A `GenreSet` has this many bits. Further genres get no number and are not counted.
  public static let capacity = 64
  /// MovieLens's name for no genres.
  public static let none: StaticString = "(no genres listed)"

  /// Names by number.
  public private(set) var names: [String] = []
  /// `prefix(of:)` of each name, by number: nearly all comparisons end with it.
  private var prefixes: [UInt64] = []

  public init() {}

  /// The number of a genre; a new genre is added.
  ///
  /// - Returns: `nil` for "(no genres listed)", an empty name, and a new genre in a full
  ///   dictionary.
  public mutating func number(of name: RawSpan) -> UInt8? {
    let prefix = Self.prefix(of: name)
    for number in prefixes.indices where prefixes[number] == prefix && name.equals(names[number]) {
      return UInt8(number)
    }
    guard names.count < Self.capacity, name.byteCount > 0, !name.equals(Self.none) else {
      return nil
    }
    names.append(String(copyingUTF8: name))
    prefixes.append(prefix)
    return UInt8(names.count - 1)
  }

  /// The length (modulo 256) and the first seven bytes.
  private static func prefix(of name: RawSpan) -> UInt64 {
    var prefix = UInt64(name.byteCount & 0xFF)
    for index in 0..<min(name.byteCount, 7) {
      prefix = prefix << 8 | UInt64(name.unsafeLoad(fromByteOffset: index, as: UInt8.self))
    }
    return prefix
  }

  /// As `number(of:)` with bytes.
  public mutating func number(of name: String) -> UInt8? {
    var name = name
    return name.withUTF8 { number(of: RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0))) }
  }

  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 11) { writer in
      writer.byte(storedFormatVersion)
      writer.varint(UInt64(names.count))
    }
    for name in names {
      bytes.append(atMost: 10) { $0.varint(UInt64(name.utf8.count)) }
      bytes.append(contentsOf: name.utf8)
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    let count = try reader.varint()
    guard count <= UInt64(Self.capacity) else {
      throw CodecError("there are more than \(Self.capacity) genres")
    }
    for _ in 0..<count {
      let length = try reader.varint(as: Int.self)
      let text = try reader.bytes(length)
      guard let name = text.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
        throw CodecError("a genre's name is not UTF-8")
      }
      names.append(name)
      prefixes.append(Self.prefix(of: text))
    }
    try reader.end()
  }
}
