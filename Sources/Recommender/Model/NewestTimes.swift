/// Finds the newest of some times, each with the number of newer ones. Memory is reused from one
/// use to the next.
struct NewestTimes: Sendable {
  struct Rank: Hashable, Sendable {
    /// The time's index.
    var place: Int
    /// How many of the times are above it.
    var newer: Int
  }

  private struct Entry: Sendable {
    var time: Int64
    var place: Int
  }

  /// Every time with fewer than `count` above it, the newest first.
  private(set) var ranks: [Rank] = []
  private var newest: [Entry] = []

  /// - Parameter count: at least 1.
  mutating func select(_ count: Int, of times: [Int64]) {
    precondition(count > 0)
    ranks.removeAll(keepingCapacity: true)
    collect(count, times)
    var newer = 0
    for (index, entry) in newest.enumerated() {
      if entry.time != newest[newer].time { newer = index }
      ranks.append(Rank(place: entry.place, newer: newer))
    }
    guard newest.count == count, let oldest = newest.last else { return }
    // If several times equal the last one, the list only has room for the first of them.
    let next = oldest.place + 1
    for place in next..<max(next, times.count) where times[place] == oldest.time {
      ranks.append(Rank(place: place, newer: newer))
    }
  }

  /// Sets `newest` to the `count` largest times, falling; equal ones in the order of their places.
  private mutating func collect(_ count: Int, _ times: [Int64]) {
    newest.removeAll(keepingCapacity: true)
    for place in 0..<min(count, times.count) {
      newest.append(Entry(time: times[place], place: place))
    }
    // Checks the list's uniqueness once, not for each move.
    newest.withUnsafeMutableBufferPointer { newest in
      for place in times.indices {
        let time = times[place]
        var position = min(place, newest.count - 1)
        if place >= newest.count, time <= newest[position].time { continue }
        while position > 0, newest[position - 1].time < time {
          newest[position] = newest[position - 1]
          position -= 1
        }
        newest[position] = Entry(time: time, place: place)
      }
    }
  }
}
