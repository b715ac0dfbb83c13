/// Kafka's default partitioner for records with a key.
public enum KafkaPartitioner {
  /// The partition that Java clients and librdkafka's `murmur2_random` choose for a key.
  ///
  /// - Parameter count: how many partitions the topic has, at least one.
  public static func partition(key: RawSpan, count: Int32) -> Int32 {
    partition(hash: murmur2(key), count: count)
  }

  /// The same, for a key's hash.
  public static func partition(hash: UInt32, count: Int32) -> Int32 {
    precondition(count > 0, "a topic has at least one partition")
    return Int32(bitPattern: hash & 0x7fff_ffff) % count
  }

  /// MurmurHash2, 32 bits, as `org.apache.kafka.common.utils.Utils.murmur2` has it (seed
  /// 0x9747b28c).
  public static func murmur2(_ bytes: RawSpan) -> UInt32 {
    let multiplier: UInt32 = 0x5bd1_e995
    let count = bytes.byteCount
    var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: count)
    let tail = count & ~3
    var offset = 0
    while offset < tail {
      var word = UInt32(
        littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
      word &*= multiplier
      word ^= word >> 24
      word &*= multiplier
      hash &*= multiplier
      hash ^= word
      offset += 4
    }
    if tail < count {
      for index in tail..<count {
        let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        hash ^= UInt32(byte) << (8 * UInt32(index - tail))
      }
      hash &*= multiplier
    }
    hash ^= hash >> 13
    hash &*= multiplier
    hash ^= hash >> 15
    return hash
  }
}
