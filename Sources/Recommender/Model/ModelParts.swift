import Codecs

/// Encodes models as the values of records, and decodes them.
///
/// A part consists of the format version (one byte); its number, number of rows and number of
/// factors (LEB128 each); the movies' ids, each minus the one before (LEB128), the first of a part
/// minus 0; and the rows' factors, IEEE 754 single precision, little-endian.
enum ModelParts {
  /// Kafka refuses records above 1 MB by default, and key and headers need some of that.
  static let largestPart = 900_000

  /// How many rows a part has.
  static func rowsPerPart(factors: Int) -> Int {
    max(1, (largestPart - 64) / (factors * 4 + 10))
  }

  /// The parts of a model, in order; at least one, even without movies.
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

  /// Appends the movies and factors of a part.
  ///
  /// - Throws: for anything that `encode` does not write, including ids that don't rise from part
  ///   to part and numbers that are not finite.
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
