/// Finds the newest of some times, each with the number of newer ones. Memory is kept from one use
/// to the next.
struct NewestTimes: Sendable {
  struct Rank: Hashable, Sendable {
    /// Where the time was.
    var place: Int
    /// How many of all times are above it.
    var newer: Int
  }

  private struct Entry: Sendable {
    var time: Int64
    var place: Int
  }

  /// Every time that fewer than the count asked for are above, the newest first.
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
    // Of equal times at the end the list has room for some only, the first ones.
    let next = oldest.place + 1
    for place in next..<max(next, times.count) where times[place] == oldest.time {
      ranks.append(Rank(place: place, newer: newer))
    }
  }

  /// Makes `newest` the `count` largest times, falling; equal ones in the order of their places.
  private mutating func collect(_ count: Int, _ times: [Int64]) {
    newest.removeAll(keepingCapacity: true)
    for (place, time) in times.enumerated() {
      let entry = Entry(time: time, place: place)
      if newest.count < count {
        newest.append(entry)
      } else if time <= newest[count - 1].time {
        continue
      }
      var position = newest.count - 1
      while position > 0, newest[position - 1].time < time {
        newest[position] = newest[position - 1]
        position -= 1
      }
      newest[position] = entry
    }
  }
}
