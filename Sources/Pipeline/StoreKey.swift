/// Keys of the state stores: identifiers that sort as numbers, in as few bytes as they need.
///
/// An identifier is one byte with the count of bytes that follow (0 to 8), then the number
/// big-endian without leading zeros. So a smaller number is a smaller key, one identifier is never
/// the prefix of another, and the rows (user, movie) of one user are a range that begins with the
/// user's identifier.
public struct StoreKey: ~Copyable {
  private var bytes = InlineArray<18, UInt8>(repeating: 0)
  private var count = 0

  public init(_ identifier: Int64) {
    append(identifier)
  }

  public init(_ first: Int64, _ second: Int64) {
    append(first)
    append(second)
  }

  public var span: RawSpan {
    @_lifetime(borrow self)
    get { bytes.span.bytes.extracting(0..<count) }
  }

  private mutating func append(_ identifier: Int64) {
    let number = UInt64(bitPattern: identifier)
    let length = (64 - number.leadingZeroBitCount + 7) / 8
    bytes[count] = UInt8(length)
    count += 1
    var shift = length * 8
    while shift > 0 {
      shift -= 8
      bytes[count] = UInt8(truncatingIfNeeded: number >> UInt64(shift))
      count += 1
    }
  }

  /// The identifiers in a key.
  ///
  /// - Returns: `nil` for bytes that are not `count` identifiers.
  public static func decode(_ key: RawSpan) -> Int64? {
    var position = 0
    guard let number = next(key, &position), position == key.byteCount else { return nil }
    return number
  }

  /// The two identifiers of a row's key.
  public static func decodePair(_ key: RawSpan) -> (first: Int64, second: Int64)? {
    var position = 0
    guard let first = next(key, &position), let second = next(key, &position),
      position == key.byteCount
    else { return nil }
    return (first, second)
  }

  private static func next(_ key: RawSpan, _ position: inout Int) -> Int64? {
    guard position < key.byteCount else { return nil }
    let length = Int(key.unsafeLoad(fromByteOffset: position, as: UInt8.self))
    guard length <= 8, position + 1 + length <= key.byteCount else { return nil }
    var number: UInt64 = 0
    for index in position + 1..<position + 1 + length {
      number = number << 8 | UInt64(key.unsafeLoad(fromByteOffset: index, as: UInt8.self))
    }
    position += 1 + length
    return Int64(bitPattern: number)
  }
}
