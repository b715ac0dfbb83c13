import Ratings

extension HoldOut {
  /// The protocol of strong generalization: whole users are held out; a model that has never seen
  /// them gets four fifths of what they liked and is scored on the rest.
  ///
  /// Source: Liang, Krishnan, Hoffman and Jebara, "Variational Autoencoders for Collaborative
  /// Filtering", WWW 2018, and its notebook, whose random choices are repeated exactly, so that
  /// MovieLens 20M gives the published split: ratings above 3.5 stars, users with at least five of
  /// them, NumPy's generator seeded with 98765. A user's ratings are taken by rising movie id,
  /// their order in the MovieLens files.
  ///
  /// - Parameters:
  ///   - heldOutUsers: how many are scored. As many more, the notebook's validation users, are
  ///     neither scored nor trained on.
  ///   - forValidation: scores the validation users instead.
  /// - Returns: `nil` if that would leave no users to train on.
  public static func strongGeneralization(
    _ ratings: RatingMatrix, heldOutUsers: Int, forValidation: Bool = false
  ) -> HoldOut? {
    let liked = ratings.filter { _, index in ratings.rating(index).rating.rawValue > 7 }
    let active = liked.filter { user, _ in liked.range(ofUser: user).count >= minimumLiked }
    let users = active.users.count
    guard heldOutUsers > 0, users > 2 * heldOutUsers else { return nil }
    var random = MersenneTwister(seed: seed)
    let order = random.permutation(users)
    var isTraining = [Bool](repeating: false, count: users)
    for user in order[..<(users - 2 * heldOutUsers)] { isTraining[user] = true }
    var isScored = [Bool](repeating: false, count: users)
    let scored = forValidation ? order.dropLast(heldOutUsers) : order
    for user in scored.suffix(heldOutUsers) { isScored[user] = true }
    let training = active.filter { user, _ in isTraining[user] }
    let isKnownMovie = Set(training.movies)
    let playsOfScored = active.filter { user, index in
      isScored[user] && isKnownMovie.contains(active.movies[Int(active.columns[index])])
    }
    return split(playsOfScored, training: training)
  }

  private static let seed: UInt32 = 98765
  private static let minimumLiked = 5
  private static let heldOutShare = 0.2

  private static func split(_ plays: RatingMatrix, training: RatingMatrix) -> HoldOut {
    var random = MersenneTwister(seed: seed)
    var isHeldOut = [Bool](repeating: false, count: plays.count)
    var heldOut: [HeldOut] = []
    for user in plays.users.indices {
      let indices = plays.range(ofUser: user).sorted { plays.columns[$0] < plays.columns[$1] }
      guard indices.count >= minimumLiked else { continue }
      let chosen = random.permutation(indices.count)
      for place in chosen.prefix(Int(heldOutShare * Double(indices.count))) {
        let index = indices[place]
        isHeldOut[index] = true
        let rating = plays.rating(index)
        heldOut.append(
          HeldOut(
            user: plays.users[user], movie: plays.movies[rating.movie], rating: rating.rating))
      }
    }
    return HoldOut(
      training: training, known: plays.filter { _, index in !isHeldOut[index] }, heldOut: heldOut)
  }
}

/// The generator behind `numpy.random.seed`: MT19937 in its 32-bit form. Source: Matsumoto and
/// Nishimura, "Mersenne Twister", 1998, with the initialization of 2002 (`init_genrand`).
struct MersenneTwister: Sendable {
  private static let size = 624
  private static let middle = 397
  private var state: [UInt32]
  private var position = size

  init(seed: UInt32) {
    state = [seed]
    for index in 1..<Self.size {
      let previous = state[index - 1]
      state.append(1_812_433_253 &* (previous ^ previous >> 30) &+ UInt32(index))
    }
  }

  mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var value = state[position]
    position += 1
    value ^= value >> 11
    value ^= value << 7 & 0x9d2c_5680
    value ^= value << 15 & 0xefc6_0000
    return value ^ value >> 18
  }

  private mutating func twist() {
    for index in 0..<Self.size {
      let following = state[(index + 1) % Self.size]
      let mixed = state[index] & 0x8000_0000 | following & 0x7fff_ffff
      let twisted = mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_b0df)
      state[index] = state[(index + Self.middle) % Self.size] ^ twisted
    }
    position = 0
  }

  /// `numpy.random.permutation(count)`: Fisher-Yates from the back, with indices drawn by rejection
  /// under a mask.
  mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      let mask = UInt32.max >> UInt32(UInt32(last).leadingZeroBitCount)
      var index = next() & mask
      while index > last { index = next() & mask }
      order.swapAt(last, Int(index))
    }
    return order
  }
}
