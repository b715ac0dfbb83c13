/// The users of a group whose lists may still change, and their vectors without gaps.
struct OpenUsers: Sendable {
  private let factorCount: Int
  private var first = 0
  /// The user of each line.
  private(set) var users: [Int] = []
  /// Row-major, one line per user, followed by the remains of closed users.
  private(set) var vectors: [Float] = []
  /// The line of each user of the group; -1 for a closed one.
  private var lines: [Int] = []

  init(factorCount: Int) {
    self.factorCount = factorCount
  }

  var count: Int { users.count }

  /// - Parameter vectors: those of all users, `factorCount` numbers each.
  mutating func begin(_ group: Range<Int>, _ vectors: [Float]) {
    first = group.lowerBound
    users.removeAll(keepingCapacity: true)
    lines.removeAll(keepingCapacity: true)
    self.vectors.removeAll(keepingCapacity: true)
    for user in group {
      lines.append(users.count)
      users.append(user)
    }
    self.vectors += vectors[group.lowerBound * factorCount..<group.upperBound * factorCount]
  }

  /// The user's line; `nil` if the user is closed.
  ///
  /// - Parameter number: the user's number in the group.
  func line(of number: Int) -> Int? { lines[number] < 0 ? nil : lines[number] }

  /// Moves the last line to this one's place.
  mutating func close(_ line: Int) {
    lines[users[line] - first] = -1
    let last = users.removeLast()
    guard line < users.count else { return }
    users[line] = last
    lines[last - first] = line
    for index in 0..<factorCount {
      vectors[line * factorCount + index] = vectors[users.count * factorCount + index]
    }
  }
}
