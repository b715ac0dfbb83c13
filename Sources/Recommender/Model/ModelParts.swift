import Codecs

/// Encodes models as the values of records, and decodes them.
///
/// A part consists of the format version (one byte); its number, number of rows and number of
/// factors (LEB128 each); in part 0, everyone's taste; the movies' ids, each minus the one before
/// (LEB128), the first of a part minus 0; the rows' factors; their scales; and for each row the
/// number of neighbours (LEB128), then of each its row minus the one before (LEB128) and its
/// weight. Numbers that are not whole are IEEE 754 single precision, little-endian.
enum ModelParts {
  private static let formatVersion: UInt8 = 2
  /// Kafka refuses records above 1 MB by default, and key and headers need some of that.
  static let largestPart = 900_000

  /// The most bytes of a row with some neighbours.
  private static func rowBytes(_ k: Int, neighbours: Int) -> Int { 4 * k + 24 + 9 * neighbours }

  /// The rows of each part; at least one part, even without movies.
  private static func pieces(_ contents: FactorModel.Contents, _ k: Int) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var first = 0
    var bytes = 64 + 4 * k
    for row in contents.movies.indices {
      let size = rowBytes(k, neighbours: contents.neighbours.range(of: row).count)
      if bytes + size > largestPart, row > first {
        pieces.append(first..<row)
        first = row
        bytes = 64
      }
      bytes += size
    }
    pieces.append(first..<contents.movies.count)
    return pieces
  }

  /// The parts of a model, in order.
  static func encode(_ contents: FactorModel.Contents, factorCount k: Int) -> [[UInt8]] {
    pieces(contents, k).enumerated().map { part, rows in
      let neighbours = contents.neighbours
      let pairs = neighbours.starts[rows.upperBound] - neighbours.starts[rows.lowerBound]
      var bytes: [UInt8] = []
      let most = 64 + 4 * k + rows.count * rowBytes(k, neighbours: 0) + 9 * pairs
      bytes.append(atMost: most) { writer in
        writer.byte(formatVersion)
        writer.varint(UInt64(part))
        writer.varint(UInt64(rows.count))
        writer.varint(UInt64(k))
        if part == 0 { for number in contents.prior { writer.float(number) } }
        var previous: Int64 = 0
        for row in rows {
          writer.varint(UInt64(contents.movies[row] - previous))
          previous = contents.movies[row]
        }
        for index in rows.lowerBound * k..<rows.upperBound * k {
          writer.float(contents.factors[index])
        }
        for row in rows { writer.float(contents.scales[row]) }
        for row in rows { encode(neighbours, row, to: &writer) }
      }
      return bytes
    }
  }

  private static func encode(_ neighbours: Neighbours, _ row: Int, to writer: inout ByteWriter) {
    let range = neighbours.range(of: row)
    writer.varint(UInt64(range.count))
    var previous: Int32 = 0
    for index in range {
      writer.varint(UInt64(neighbours.columns[index] - previous))
      previous = neighbours.columns[index]
      writer.float(neighbours.weights[index])
    }
  }

  /// Appends what a part holds.
  ///
  /// - Parameters:
  ///   - k: the number of factors.
  ///   - movies: of the whole model.
  /// - Throws: for anything that `encode` does not write, including ids that don't rise from part
  ///   to part and numbers that are not finite.
  static func decode(
    _ bytes: RawSpan, part: Int, factorCount k: Int, movies: Int,
    into contents: inout FactorModel.Contents
  ) throws(CodecError) {
    var reader = ByteReader(bytes)
    guard try reader.version(upTo: formatVersion) == formatVersion else {
      throw CodecError("an earlier version wrote the part")
    }
    guard try reader.varint(as: Int.self) == part else {
      throw CodecError("the part has another number")
    }
    let rows = try reader.varint(as: Int.self)
    guard try reader.varint(as: Int.self) == k else {
      throw CodecError("the part has another number of factors")
    }
    guard rows <= bytes.byteCount else { throw CodecError("the value ends too early") }
    if part == 0 { for _ in 0..<k { contents.prior.append(try reader.finite()) } }
    var previous: Int64 = 0
    for row in 0..<rows {
      let (movie, overflow) = previous.addingReportingOverflow(
        try reader.varint(as: Int64.self))
      guard !overflow, row == 0 || movie > previous,
        contents.movies.last.map({ $0 < movie }) ?? true
      else { throw CodecError("the movies' ids do not rise") }
      contents.movies.append(movie)
      previous = movie
    }
    for _ in 0..<rows * k { contents.factors.append(try reader.finite()) }
    for _ in 0..<rows { contents.scales.append(try reader.finite()) }
    for _ in 0..<rows { try decodeNeighbours(&reader, movies, into: &contents.neighbours) }
    try reader.end()
  }

  private static func decodeNeighbours(
    _ reader: inout ByteReader, _ movies: Int, into neighbours: inout Neighbours
  ) throws(CodecError) {
    let count = try reader.varint(as: Int.self)
    guard count <= movies else { throw CodecError("a movie has too many neighbours") }
    var found: [(row: Int, weight: Float)] = []
    for _ in 0..<count {
      let step = try reader.varint(as: Int32.self)
      let row = (found.last?.row ?? 0) + Int(step)
      let weight = try reader.finite()
      guard row < movies, step > 0 || found.isEmpty, weight > 0 else {
        throw CodecError("a movie's neighbours are not as they are written")
      }
      found.append((row, weight))
    }
    neighbours.append(found)
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

  /// - Throws: also for infinity and NaN.
  mutating func finite() throws(CodecError) -> Float {
    let number = try float()
    guard number.isFinite else { throw CodecError("a factor is not a finite number") }
    return number
  }
}
