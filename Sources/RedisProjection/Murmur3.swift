/// MurmurHash3, x86, 32 bits.
///
/// Source: Austin Appleby, `MurmurHash3_x86_32`,
/// https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
public func murmur3x86(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
  func rotated(_ value: UInt32, by bits: UInt32) -> UInt32 {
    value << bits | value >> (32 - bits)
  }
  func mixed(_ block: UInt32) -> UInt32 {
    rotated(block &* 0xcc9e_2d51, by: 15) &* 0x1b87_3593
  }
  var hash = seed
  let tail = bytes.byteCount & ~3
  for start in stride(from: 0, to: tail, by: 4) {
    let block = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self)
    hash ^= mixed(UInt32(littleEndian: block))
    hash = rotated(hash, by: 13) &* 5 &+ 0xe654_6b64
  }
  var rest: UInt32 = 0
  for index in (tail..<bytes.byteCount).reversed() {
    rest = unsafe rest << 8 | UInt32(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
  }
  hash ^= mixed(rest)
  hash ^= UInt32(truncatingIfNeeded: bytes.byteCount)
  hash = (hash ^ hash >> 16) &* 0x85eb_ca6b
  hash = (hash ^ hash >> 13) &* 0xc2b2_ae35
  return hash ^ hash >> 16
}
