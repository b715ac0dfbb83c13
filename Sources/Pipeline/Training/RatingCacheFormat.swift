import Codecs
import Ratings
import Recommender
import Streams

/// The bytes of a cache of ratings: what users say of movies, from one partition of
/// `validated-ratings`, in its order.
///
/// A file is a header and blocks. The header has eight letters, the format version, and of which
/// log it is. A block has the length of its content (four bytes), the content's checksum (eight
/// bytes, FNV-1a) and the content: the range of offsets it stands for, the identity of the last
/// record in it, and the statements, each as the difference from the one before. Numbers of fixed
/// size are little-endian, all others LEB128.
enum RatingCacheFormat {
  static let magic = Array("PJRATING".utf8)
  static let version: UInt8 = 1
  /// Of the length and the checksum.
  static let frame = 12
  /// No block is longer.
  static let longestBlock = 16 << 20
  /// The most statements in a block.
  static let statementsPerBlock = 1 << 16

  /// A header.
  ///
  /// - Parameter source: the cluster, the topic and the partition.
  static func header(_ source: CacheSource) -> [UInt8] {
    var content: [UInt8] = []
    for text in [source.cluster, source.topic] {
      let bytes = Array(text.utf8)
      content.append(atMost: 10) { $0.varint(UInt64(bytes.count)) }
      content += bytes
    }
    content.append(atMost: 10) { $0.varint(UInt64(UInt32(bitPattern: source.partition))) }
    return magic + [version] + framed(content)
  }

  static func framed(_ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    let checksum = Checksum(of: content.span.bytes).value
    bytes.append(atMost: frame) { writer in
      for shift in stride(from: 0, to: 32, by: 8) {
        writer.byte(UInt8(truncatingIfNeeded: content.count >> shift))
      }
      writer.word(checksum)
    }
    return bytes + content
  }

  /// The content of what is framed at a position; `nil` if it is cut or damaged.
  @_lifetime(copy bytes)
  static func content(of bytes: RawSpan, at position: Int) -> RawSpan? {
    guard position + frame <= bytes.byteCount else { return nil }
    var length = 0
    for index in 0..<4 {
      length |=
        Int(bytes.unsafeLoad(fromByteOffset: position + index, as: UInt8.self)) << (8 * index)
    }
    guard length <= longestBlock, position + frame + length <= bytes.byteCount else { return nil }
    var checksum: UInt64 = 0
    for index in 0..<8 {
      let byte = bytes.unsafeLoad(fromByteOffset: position + 4 + index, as: UInt8.self)
      checksum |= UInt64(byte) << (8 * index)
    }
    let content = bytes.extracting(position + frame..<position + frame + length)
    return Checksum(of: content).value == checksum ? content : nil
  }
}
