import Ratings
import Recommender
import Streams
import Synchronization

/// What the predict stage has shown to the users of this instance's partitions while there is a
/// shadow, for the user stage to hold their next ratings against.
final class ShownBoard: Sendable {
  private struct Entry {
    var counter: HitCounter
    /// The tally that was last told.
    var told: HitTally
  }

  private let entries = Mutex<[Int32: Entry]>([:])
  /// The version of the feed whose partitions were kept last.
  private let kept = Mutex(-1)
  /// Whether there is any entry: without a shadow, a rating costs no more than this look.
  private let isInUse = Atomic(false)

  init() {}

  /// Notes what a user of a partition was shown.
  ///
  /// - Parameter counted: what was counted in the partition before, by whichever instance; asked
  ///   for when the shadow, or what it is compared with, is another one than before.
  func show(
    _ lists: ShownLists, to user: Int64, in partition: Int32, by live: String, shadow: String,
    counted: () -> HitTally?
  ) {
    entries.withLock { entries in
      let known = entries[partition]?.counter
      if known?.shadow != shadow || known?.tally.against != live {
        let tally = counted() ?? HitTally(against: live)
        entries[partition] = Entry(
          counter: HitCounter(shadow: shadow, tally: tally), told: tally)
      }
      entries[partition]?.counter.show(lists, to: user)
    }
    isInUse.store(true, ordering: .releasing)
  }

  /// Takes a rating of a user of a partition, at its offset there.
  func rate(
    _ user: Int64, _ movie: Int64, _ rating: HalfStars, at offset: Int64, in partition: Int32
  ) {
    guard isInUse.load(ordering: .acquiring) else { return }
    _ = entries.withLock { entries in
      entries[partition]?.counter.rate(user, movie, rating, at: offset)
    }
  }

  /// The partitions whose tallies have changed since they were told.
  var changed: [Int32] {
    guard isInUse.load(ordering: .acquiring) else { return [] }
    return entries.withLock { entries in
      entries.filter { $0.value.counter.tally != $0.value.told }.keys.sorted()
    }
  }

  /// A partition's tally, to tell; `nil` if it has not changed since it was told.
  func takeNews(of partition: Int32) -> (shadow: String, tally: HitTally)? {
    entries.withLock { entries in
      guard let entry = entries[partition], entry.counter.tally != entry.told else { return nil }
      entries[partition]?.told = entry.counter.tally
      return (entry.counter.shadow, entry.counter.tally)
    }
  }

  /// Forgets all other partitions than those of the feed, and those with another shadow.
  func keep(_ feed: some PartitionFeed, shadow: String?) {
    guard isInUse.load(ordering: .acquiring) else { return }
    let version = feed.version
    let isInUse = entries.withLock { entries in
      if kept.withLock({ $0 == version }),
        entries.values.allSatisfy({ $0.counter.shadow == shadow })
      {
        return true
      }
      let partitions = Set(feed.partitions)
      entries = entries.filter {
        partitions.contains($0.key) && $0.value.counter.shadow == shadow
      }
      return !entries.isEmpty
    }
    kept.withLock { $0 = version }
    self.isInUse.store(isInUse, ordering: .releasing)
  }
}
