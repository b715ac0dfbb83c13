import Codecs

/// A model as the values of records, and back.
///
/// A part has, in this order: the format's version (a byte); its number, its number of rows and of
/// factors (LEB128 each); the movies' ids, each as the difference to the one before (LEB128), the
/// first of a part to 0; the rows' factors, IEEE 754 single precision, little-endian.
enum ModelParts {
  /// Kafka refuses records of 1 MB by default; headers and key need some of it.
  static let largestPart = 900_000

  /// How many rows a part holds.
  static func rowsPerPart(factors: Int) -> Int {
    max(1, (largestPart - 64) / (factors * 4 + 10))
  }

  /// The parts of a model, in order; at least one, also of a model without movies.
  static func encode(movies: [Int64], factors: [Float], factorCount k: Int) -> [[UInt8]] {
    let stride = rowsPerPart(factors: k)
    let count = max(1, (movies.count + stride - 1) / stride)
    return (0..<count).map { part in
      let rows = part * stride..<min((part + 1) * stride, movies.count)
      var bytes: [UInt8] = []
      bytes.append(atMost: 64 + rows.count * (4 * k + 10)) { writer in
        writer.byte(storedFormatVersion)
        writer.varint(UInt64(part))
        writer.varint(UInt64(rows.count))
        writer.varint(UInt64(k))
        var previous: Int64 = 0
        for row in rows {
          writer.varint(UInt64(movies[row] - previous))
          previous = movies[row]
        }
        for index in rows.lowerBound * k..<rows.upperBound * k { writer.float(factors[index]) }
      }
      return bytes
    }
  }

  /// Appends what a part holds.
  ///
  /// - Throws: for anything that `encode` does not write, ids that don't rise from part to part and
  ///   numbers that are not finite included.
  static func decode(
    _ bytes: RawSpan, part: Int, factorCount k: Int, movies: inout [Int64], factors: inout [Float]
  ) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    guard try reader.varint(as: Int.self) == part else {
      throw CodecError("the part has another number")
    }
    let rows = try reader.varint(as: Int.self)
    guard try reader.varint(as: Int.self) == k else {
      throw CodecError("the part has another number of factors")
    }
    guard rows <= bytes.byteCount else { throw CodecError("the value ends too early") }
    var previous: Int64 = 0
    for row in 0..<rows {
      let (movie, overflow) = previous.addingReportingOverflow(
        try reader.varint(as: Int64.self))
      guard !overflow, row == 0 || movie > previous, movies.last.map({ $0 < movie }) ?? true else {
        throw CodecError("the movies' ids do not rise")
      }
      movies.append(movie)
      previous = movie
    }
    for _ in 0..<rows * k {
      let factor = try reader.float()
      guard factor.isFinite else { throw CodecError("a factor is not a finite number") }
      factors.append(factor)
    }
    try reader.end()
  }
}

extension ByteWriter {
  /// Writes four bytes, little-endian.
  mutating func float(_ value: Float) {
    let bits = value.bitPattern
    byte(UInt8(truncatingIfNeeded: bits))
    byte(UInt8(truncatingIfNeeded: bits >> 8))
    byte(UInt8(truncatingIfNeeded: bits >> 16))
    byte(UInt8(truncatingIfNeeded: bits >> 24))
  }
}

extension ByteReader {
  mutating func float() throws(CodecError) -> Float {
    let text = try bytes(4)
    return Float(
      bitPattern: UInt32(
        littleEndian: text.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)))
  }
}
