/// Stored bytes that this version does not write.
public struct CodecError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence for a person.
  public let message: String

  @usableFromInline package init(_ message: String) {
    self.message = message
  }

  public var description: String { message }
}

/// The first byte of every stored value.
@inlinable package var storedFormatVersion: UInt8 { 1 }

// A value has dozens of numbers and is encoded in another module: reading and writing one must be
// inlinable there.

/// Writes numbers into memory that is large enough for all of them.
@safe @usableFromInline package struct ByteWriter {
  @usableFromInline let memory: UnsafeMutableRawBufferPointer
  @usableFromInline var count = 0

  @inlinable init(_ memory: UnsafeMutableRawBufferPointer) {
    unsafe self.memory = memory
  }

  @inlinable package mutating func byte(_ value: UInt8) {
    unsafe precondition(count < memory.count)
    unsafe memory[count] = value
    count += 1
  }

  /// Writes eight bytes, little-endian.
  @inlinable package mutating func word(_ value: UInt64) {
    unsafe precondition(count + 8 <= memory.count)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt64.self)
    count += 8
  }

  /// Writes an unsigned LEB128 number: seven bits a byte, the lowest first; at most ten bytes.
  @inlinable package mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      byte(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    byte(UInt8(truncatingIfNeeded: rest))
  }

  /// Writes a signed number, zigzag-coded, as LEB128.
  @inlinable package mutating func signedVarint(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }
}

extension [UInt8] {
  /// Appends what `write` writes, at most `capacity` bytes, in one step: a value has dozens of
  /// numbers, and an array checks its storage at each append.
  @inlinable package mutating func append(
    atMost capacity: Int, _ write: (inout ByteWriter) -> Void
  ) {
    unsafe withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { memory in
      var writer = unsafe ByteWriter(memory)
      write(&writer)
      unsafe append(contentsOf: memory[..<writer.count])
    }
  }
}

/// Reads what a `ByteWriter` writes.
@usableFromInline package struct ByteReader: ~Escapable {
  @usableFromInline let bytes: RawSpan
  @usableFromInline var position = 0

  @inlinable
  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan) {
    self.bytes = bytes
  }

  @inlinable package mutating func byte() throws(CodecError) -> UInt8 {
    guard position < bytes.byteCount else { throw CodecError("the value ends too early") }
    defer { position += 1 }
    return unsafe bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
  }

  @inlinable package mutating func version() throws(CodecError) {
    let version = try byte()
    guard version == storedFormatVersion else {
      throw CodecError("format version \(version) is unknown, \(storedFormatVersion) is expected")
    }
  }

  /// Reads the version of a value that this program reads in several.
  @inlinable package mutating func version(upTo newest: UInt8) throws(CodecError) -> UInt8 {
    let version = try byte()
    guard version >= 1, version <= newest else {
      throw CodecError("format version \(version) is unknown, 1 to \(newest) are expected")
    }
    return version
  }

  @inlinable package mutating func word() throws(CodecError) -> UInt64 {
    guard position + 8 <= bytes.byteCount else { throw CodecError("the value ends too early") }
    defer { position += 8 }
    return unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  @inlinable package mutating func varint() throws(CodecError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte = try byte()
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw CodecError("a number has more than 64 bits")
  }

  @inlinable package mutating func varint<Value: FixedWidthInteger>(as type: Value.Type)
    throws(CodecError)
    -> Value
  {
    guard let value = Value(exactly: try varint()) else {
      throw CodecError("a number is out of its range")
    }
    return value
  }

  @inlinable package mutating func signedVarint() throws(CodecError) -> Int64 {
    let value = try varint()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  @inlinable
  @_lifetime(copy self)
  package mutating func bytes(_ count: Int) throws(CodecError) -> RawSpan {
    guard count <= bytes.byteCount - position else {
      throw CodecError("the value ends too early")
    }
    defer { position += count }
    return bytes.extracting(position..<position + count)
  }

  @inlinable package var isAtEnd: Bool { position == bytes.byteCount }

  @inlinable package func end() throws(CodecError) {
    guard position == bytes.byteCount else { throw CodecError("the value has bytes left over") }
  }
}
