/// Which partitions an instance keeps copies of, by the members of the stage's group.
///
/// The copies of a partition are with the instances that rank first by a hash of instance and
/// partition, its owner excepted (rendezvous hashing, https://doi.org/10.1109/90.663936): every
/// instance comes to the same answer by itself, and one that joins or leaves moves only the copies
/// it had.
public enum StandbyPlacement {
  /// A member of the group, by the name of its instance, and the partitions it owns. Members with
  /// one name are threads of one instance, which keeps no copies of what any of them owns.
  public struct Member: Hashable, Sendable {
    public var name: String
    public var partitions: Set<Int32>

    public init(name: String, partitions: Set<Int32>) {
      self.name = name
      self.partitions = partitions
    }
  }

  /// - Parameters:
  ///   - partitionCount: how many partitions the stage has.
  ///   - copies: how many instances other than the owner keep one.
  public static func partitions(
    of member: String, among members: [Member], partitionCount: Int32, copies: Int
  ) -> Set<Int32> {
    let instances = Dictionary(members.map { ($0.name, $0.partitions) }) { $0.union($1) }
    return Set(
      (0..<partitionCount).filter { partition in
        let candidates = instances.filter { !$0.value.contains(partition) }.map(\.key)
        guard candidates.contains(member) else { return false }
        let mine = rank(member, partition)
        return candidates.count { rank($0, partition) > mine } < copies
      })
  }

  private static func rank(_ member: String, _ partition: Int32) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    member.utf8.forEach(mix)
    withUnsafeBytes(of: partition.littleEndian) { $0.forEach(mix) }
    // FNV-1a alone leaves the last bytes in the low bits, and the order is by the high ones.
    hash ^= hash >> 32
    hash = hash &* 0xd6e8_feb8_6659_fd93
    return hash ^ hash >> 32
  }
}
