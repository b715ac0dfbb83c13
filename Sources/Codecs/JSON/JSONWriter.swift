import CSimdjson

/// Writes JSON into memory that is reused from one document to the next: no allocation once it has
/// grown. It sets the commas; the caller must alternate keys and values.
// @unchecked: the memory has one owner and may move between threads with it.
@safe public struct JSONWriter: ~Copyable, @unchecked Sendable {
  private var memory: UnsafeMutableRawBufferPointer
  private var needsComma = false

  /// Digits of `UInt64.max`.
  private static var longestInteger: Int { 20 }
  /// The numbers 0 to 99, two digits each.
  private static var pairs: StaticString {
    """
    00010203040506070809101112131415161718192021222324\
    25262728293031323334353637383940414243444546474849\
    50515253545556575859606162636465666768697071727374\
    75767778798081828384858687888990919293949596979899
    """
  }

  /// The bytes written since the last `removeAll`.
  public private(set) var count = 0

  public init(capacity: Int = 512) {
    unsafe memory = .allocate(byteCount: max(capacity, 64), alignment: 1)
  }

  deinit {
    unsafe memory.deallocate()
  }

  /// The bytes written so far.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[..<count]))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// A copy of the bytes written so far.
  public func copyBytes() -> [UInt8] {
    unsafe Array(memory[..<count])
  }

  /// Removes what is written but keeps the memory.
  public mutating func removeAll() {
    count = 0
    needsComma = false
  }

  public mutating func beginObject() {
    separate()
    append(0x7B)
    needsComma = false
  }

  public mutating func endObject() {
    append(0x7D)
    needsComma = true
  }

  public mutating func beginArray() {
    separate()
    append(0x5B)
    needsComma = false
  }

  public mutating func endArray() {
    append(0x5D)
    needsComma = true
  }

  /// Writes a key, which must not need escapes.
  public mutating func key(_ name: StaticString) {
    let length = name.utf8CodeUnitCount
    reserve(length + 4)
    if needsComma { put(0x2C) }
    put(0x22)
    unsafe put(UnsafeRawBufferPointer(start: name.utf8Start, count: length))
    put(0x22)
    put(0x3A)
    needsComma = false
  }

  /// Writes a key that is known only at run time.
  public mutating func key(text: String) {
    string(text)
    append(0x3A)
    needsComma = false
  }

  public mutating func null() {
    raw("null")
  }

  public mutating func boolean(_ value: Bool) {
    raw(value ? "true" : "false")
  }

  @inlinable
  public mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
    integer(magnitude: UInt64(value.magnitude), isNegative: value < 0)
  }

  @usableFromInline
  mutating func integer(magnitude: UInt64, isNegative: Bool) {
    separate()
    reserve(Self.longestInteger + 1)
    if isNegative { put(0x2D) }
    putDigits(magnitude)
  }

  /// Writes an integer, or null.
  package mutating func optionalInteger(_ value: Int64?) {
    if let value { integer(value) } else { null() }
  }

  /// Writes the shortest decimal that reads back as the same double, always with a point or an
  /// exponent. NaN and infinity become null: JSON has neither.
  public mutating func double(_ value: Double) {
    guard value.isFinite else { return null() }
    separate()
    reserve(Int(csj_double_capacity))
    if let start = unsafe memory.baseAddress {
      unsafe count += csj_write_double((start + count).assumingMemoryBound(to: CChar.self), value)
    }
  }

  /// Writes a string, escaping quotes, backslashes and control characters.
  public mutating func string(_ value: String) {
    var value = value
    value.withUTF8 { unsafe quote(UnsafeRawBufferPointer($0)) }
  }

  /// Writes a string of UTF-8 bytes.
  public mutating func string(utf8 bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe quote($0) }
  }

  /// Writes a string that must not need escapes.
  public mutating func string(literal: StaticString) {
    separate()
    reserve(literal.utf8CodeUnitCount + 2)
    put(0x22)
    unsafe put(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    put(0x22)
  }

  /// Writes text that is already JSON.
  public mutating func raw(_ json: StaticString) {
    unsafe raw(UnsafeRawBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
  }

  /// Writes bytes that are already JSON.
  public mutating func raw(_ json: RawSpan) {
    unsafe json.withUnsafeBytes { unsafe raw($0) }
  }

  private mutating func raw(_ json: UnsafeRawBufferPointer) {
    separate()
    reserve(json.count)
    unsafe put(json)
  }

  private mutating func quote(_ text: UnsafeRawBufferPointer) {
    separate()
    reserve(text.count + 2)
    put(0x22)
    var clean = 0
    for index in 0..<text.count {
      let byte = unsafe text[index]
      guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
      // An escape has at most six bytes; the rest of the text and the last quote follow it.
      reserve(text.count - clean + 8)
      unsafe put(UnsafeRawBufferPointer(rebasing: text[clean..<index]))
      putEscape(byte)
      clean = index + 1
    }
    unsafe put(UnsafeRawBufferPointer(rebasing: text[clean...]))
    put(0x22)
  }

  private mutating func putEscape(_ byte: UInt8) {
    put(0x5C)
    switch byte {
    case 0x22, 0x5C: put(byte)
    case 0x0A: put(0x6E)
    case 0x0D: put(0x72)
    case 0x09: put(0x74)
    default:
      let digit = byte & 0x0F
      put(0x75)
      put(0x30)
      put(0x30)
      put(0x30 + (byte >> 4))
      put(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }

  /// Writes two digits at a time, the last ones first, at the end of the space reserved for the
  /// longest number; then moves them to their place.
  private mutating func putDigits(_ value: UInt64) {
    guard let start = unsafe memory.baseAddress else { return }
    let end = unsafe start + count + Self.longestInteger
    var first = unsafe end
    var rest = value
    while rest >= 100 {
      let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
      unsafe first -= 2
      unsafe first.copyMemory(from: Self.pairs.utf8Start + 2 * Int(pair), byteCount: 2)
      rest = quotient
    }
    let length = rest < 10 ? 1 : 2
    unsafe first -= length
    unsafe first.copyMemory(
      from: Self.pairs.utf8Start + 2 * Int(rest) + 2 - length, byteCount: length)
    unsafe put(UnsafeRawBufferPointer(start: first, count: end - first))
  }

  private mutating func separate() {
    if needsComma { append(0x2C) }
    needsComma = true
  }

  private mutating func append(_ byte: UInt8) {
    reserve(1)
    put(byte)
  }

  private mutating func put(_ byte: UInt8) {
    unsafe memory[count] = byte
    count += 1
  }

  private mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, let start = unsafe memory.baseAddress else { return }
    unsafe (start + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  private mutating func reserve(_ length: Int) {
    if unsafe count + length > memory.count { grow(to: count + length) }
  }

  @inline(never)
  private mutating func grow(to capacity: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity * 2, alignment: 1)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
    unsafe memory.deallocate()
    unsafe memory = larger
  }
}
