/// Archives for tests, made without compression. Sources: PKWARE's APPNOTE.TXT, RFC 1951, RFC 1952.
public enum Packing {
  /// A zip of these files.
  public static func zip(_ files: [(path: String, content: [UInt8])]) -> [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for (path, content) in files {
      let offset = UInt32(bytes.count)
      let name = Array(path.utf8)
      // The same in both headers: versions, flags, method, time, date, checksum, two lengths.
      var common: [UInt8] = []
      for field in [0x0800, 0, 0, 0x0021] as [UInt16] { common.append(number: field) }
      common.append(number: checksum(content))
      for _ in 0..<2 { common.append(number: UInt32(content.count)) }
      common.append(number: UInt16(name.count))
      common.append(number: 0 as UInt16)
      bytes.append(number: 0x0403_4B50 as UInt32)
      bytes.append(number: 20 as UInt16)
      bytes += common + name + content
      directory.append(number: 0x0201_4B50 as UInt32)
      for _ in 0..<2 { directory.append(number: 20 as UInt16) }
      directory += common
      for _ in 0..<3 { directory.append(number: 0 as UInt16) }
      directory.append(number: 0 as UInt32)
      directory.append(number: offset)
      directory += name
    }
    var end: [UInt8] = []
    end.append(number: 0x0605_4B50 as UInt32)
    end.append(number: 0 as UInt32)
    for _ in 0..<2 { end.append(number: UInt16(files.count)) }
    end.append(number: UInt32(directory.count))
    end.append(number: UInt32(bytes.count))
    end.append(number: 0 as UInt16)
    return bytes + directory + end
  }

  /// A gzip of less than 64 KiB.
  public static func gzip(_ content: [UInt8]) -> [UInt8] {
    precondition(content.count < 1 << 16)
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1]
    bytes.append(number: UInt16(content.count))
    bytes.append(number: ~UInt16(content.count))
    bytes += content
    bytes.append(number: checksum(content))
    bytes.append(number: UInt32(content.count))
    return bytes
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = ~UInt32(0)
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
    return ~checksum
  }
}

extension [UInt8] {
  fileprivate mutating func append(number: some FixedWidthInteger & UnsignedInteger) {
    var rest = number
    for _ in 0..<type(of: number).bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
