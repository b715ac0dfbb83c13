/// Chooses a record's partition by its key, as Kafka's default partitioner does.
///
/// murmur2 and the sign mask of
/// https://github.com/apache/kafka/blob/trunk/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
enum KeyPartitioner {
  static func partition(of key: [UInt8], among count: Int) -> Int32 {
    Int32(Int(murmur2(key) & 0x7fff_ffff) % count)
  }

  static func murmur2(_ data: [UInt8]) -> UInt32 {
    let multiplier: UInt32 = 0x5bd1_e995
    var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: data.count)
    let body = data.count & ~3
    for start in stride(from: 0, to: body, by: 4) {
      var word =
        UInt32(data[start]) | UInt32(data[start + 1]) << 8 | UInt32(data[start + 2]) << 16
        | UInt32(data[start + 3]) << 24
      word = word &* multiplier
      word ^= word >> 24
      hash = hash &* multiplier ^ word &* multiplier
    }
    if data.count > body {
      for index in stride(from: data.count - 1, through: body, by: -1) {
        hash ^= UInt32(data[index]) << UInt32(8 * (index - body))
      }
      hash = hash &* multiplier
    }
    hash ^= hash >> 13
    hash = hash &* multiplier
    return hash ^ hash >> 15
  }
}
