/// What a follower must change about the copies it keeps.
struct StandbyPlan: Hashable, Sendable {
  /// Partitions to follow no longer.
  let release: [Int32]
  /// Partitions to open and follow; after the releases, since some may be in both.
  let open: [Int32]

  /// - Parameters:
  ///   - wanted: what the instance should keep copies of, whoever owns it.
  ///   - owned: partitions of the stage on this instance, which needs no copies of them.
  ///   - followed: what the follower reads.
  ///   - kept: partitions whose copies are at hand. One that is followed and no longer kept was the
  ///     stage's for a while: its store has moved on, and is opened again.
  init(wanted: Set<Int32>, owned: Set<Int32>, followed: Set<Int32>, kept: Set<Int32>) {
    let wanted = wanted.subtracting(owned)
    let staying = followed.intersection(wanted).intersection(kept)
    release = followed.subtracting(staying).sorted()
    open = wanted.subtracting(staying).sorted()
  }

  var isEmpty: Bool { release.isEmpty && open.isEmpty }
}
