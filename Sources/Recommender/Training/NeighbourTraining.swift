import Glibc
import LinearAlgebra

/// Finds which movies are rated soon after which: the sum of two linear models of a user's ratings.
/// Formulas and sources are in Model.md.
///
/// Each row of a matrix is summed by one thread, in the order of the ratings.
struct NeighbourTraining {
  /// The most rated movies only: the matrices have a row and a column for each.
  static let mostMovies = 4096
  /// The second model foretells this many ratings from those before them.
  static let block = 5
  /// How many ratings before them it sees.
  static let depth = 30
  /// λ of the second model, relative to the first's.
  static let aheadShare = 0.25
  /// Right sides that are solved at a time, whatever the number of threads.
  private static let sidesPerPiece = 64

  /// The ratings of the chosen movies, by user and time.
  private struct Sequences {
    /// Where each user's begin, then where the last user's end.
    var starts = [0]
    /// Indices into the chosen movies.
    var items: [Int32] = []
    var weights: [Float] = []
    var users: [Int32] = []
    /// Where each chosen movie's places begin, then where the last one's end.
    var placeStarts: [Int] = []
    /// Indices into `items`, rising for each movie.
    var places: [Int32] = []
  }

  private let parameters: ModelParameters
  private let movieCount: Int
  /// The chosen movies' rows, rising.
  private let chosen: [Int]
  private let sequences: Sequences
  private let decays: [Float]
  /// The matrices' rows: one for each chosen movie, and some that stay empty.
  private let size: Int

  init(_ preferences: Preferences, _ parameters: ModelParameters) {
    self.parameters = parameters
    let counts = preferences.movieCounts
    movieCount = counts.count
    let order = counts.indices.sorted { a, b in
      counts[a] != counts[b] ? counts[a] > counts[b] : a < b
    }
    chosen = order.prefix(parameters.neighbours > 0 ? Self.mostMovies : 0).sorted()
    let unit = Cholesky.invertibleOrders
    size = (chosen.count + unit - 1) / unit * unit
    sequences = Self.sequences(preferences, chosen)
    decays = (0...Self.depth).map { lag in
      parameters.recencyHalfLife > 0
        ? exp2f(-Float(lag - 1) / Float(parameters.recencyHalfLife)) : 1
    }
  }

  private static func sequences(_ preferences: Preferences, _ chosen: [Int]) -> Sequences {
    var numbers = [Int32](repeating: -1, count: preferences.movieCounts.count)
    for (number, row) in chosen.enumerated() { numbers[row] = Int32(number) }
    var sequences = Sequences()
    var counts = [Int](repeating: 0, count: chosen.count)
    let ratings = preferences.ratings
    for user in ratings.users.indices {
      for index in ratings.range(ofUser: user) {
        let number = numbers[Int(ratings.columns[index])]
        guard number >= 0 else { continue }
        sequences.items.append(number)
        sequences.weights.append(preferences.weight(index, ofUser: user))
        sequences.users.append(Int32(user))
        counts[Int(number)] += 1
      }
      sequences.starts.append(sequences.items.count)
    }
    sequences.placeStarts = [0] + counts
    for number in chosen.indices {
      sequences.placeStarts[number + 1] += sequences.placeStarts[number]
    }
    var next = sequences.placeStarts
    sequences.places = Array(repeating: 0, count: sequences.items.count)
    for (place, item) in sequences.items.enumerated() {
      sequences.places[next[Int(item)]] = Int32(place)
      next[Int(item)] += 1
    }
    return sequences
  }

  func train(_ threads: Threads) throws(UnsolvableEquations) -> Neighbours {
    guard !chosen.isEmpty else { return Neighbours(rows: movieCount) }
    let weights = FactorMatrix(rows: size, columns: size)
    try addTogether(to: weights, threads)
    if parameters.recencyHalfLife > 0 { try addAhead(to: weights, threads) }
    return selected(weights)
  }

  // MARK: What is rated together

  /// Adds the weights of EASE: what foretells each movie from the others of its window.
  private func addTogether(to weights: borrowing FactorMatrix, _ threads: Threads)
    throws(UnsolvableEquations)
  {
    let gram = FactorMatrix(rows: size, columns: size)
    threads.forEach(chosen.indices) { movie, _ in sumWindows(of: movie, gram.row(movie)) }
    try factor(gram, ridge: parameters.regularization)
    var span = MutableSpan(_unsafeElements: gram.all)
    Cholesky.invert(&span, order: size)
    // Row i of `weights` foretells movie i.
    threads.forEach(chosen.indices) { movie, _ in
      let row = weights.row(movie)
      let own = gram.all[movie * (size + 1)]
      for other in chosen.indices where other != movie {
        let (low, high) = (min(other, movie), max(other, movie))
        row[other] -= gram.all[low * size + high] / own
      }
    }
  }

  private func sumWindows(of movie: Int, _ row: UnsafeMutableBufferPointer<Float>) {
    for place in sequences.placeStarts[movie]..<sequences.placeStarts[movie + 1] {
      let index = Int(sequences.places[place])
      let user = Int(sequences.users[index])
      var window = sequences.starts[user]..<sequences.starts[user + 1]
      if parameters.window > 0 {
        let first = index - (index - window.lowerBound) % parameters.window
        window = first..<min(first + parameters.window, window.upperBound)
      }
      let weight = sequences.weights[index]
      for other in window {
        row[Int(sequences.items[other])] += weight * sequences.weights[other]
      }
    }
  }

  // MARK: What is rated next

  /// Adds the weights of a ridge regression: what foretells each movie from the ratings before.
  private func addAhead(to weights: borrowing FactorMatrix, _ threads: Threads)
    throws(UnsolvableEquations)
  {
    let gram = FactorMatrix(rows: size, columns: size)
    let sides = FactorMatrix(rows: size, columns: size)
    threads.forEach(chosen.indices) { movie, _ in
      for place in sequences.placeStarts[movie]..<sequences.placeStarts[movie + 1] {
        sumHistories(at: Int(sequences.places[place]), gram.row(movie), sides.row(movie))
      }
    }
    try factor(gram, ridge: parameters.regularization * Self.aheadShare)
    let pieces = (size + Self.sidesPerPiece - 1) / Self.sidesPerPiece
    threads.forEach(0..<pieces) { piece, _ in
      let first = piece * Self.sidesPerPiece
      let last = min(first + Self.sidesPerPiece, size)
      var rows = MutableSpan(
        _unsafeElements: UnsafeMutableBufferPointer(
          rebasing: sides.all[first * size..<last * size]))
      Cholesky.solve(factor: gram.span, order: size, &rows)
    }
    for index in weights.all.indices { weights.all[index] += sides.all[index] }
  }

  /// - Parameters:
  ///   - gram: of a movie, for the blocks that have the rating at `index` in their history.
  ///   - side: of the same movie, for the block that has the rating.
  private func sumHistories(
    at index: Int, _ gram: UnsafeMutableBufferPointer<Float>,
    _ side: UnsafeMutableBufferPointer<Float>
  ) {
    let user = Int(sequences.users[index])
    let first = sequences.starts[user]
    let count = sequences.starts[user + 1] - first
    let position = index - first
    let weight = sequences.weights[index]
    let own = position / Self.block * Self.block
    add(before: first + own, from: first, times: weight, to: side)
    var next = own + Self.block
    while next < count, next - position <= Self.depth {
      let share = weight * decays[next - position]
      add(before: first + next, from: first, times: share, to: gram)
      next += Self.block
    }
  }

  /// Adds a history: the ratings before `end`, the older the less.
  private func add(
    before end: Int, from first: Int, times factor: Float, to row: UnsafeMutableBufferPointer<Float>
  ) {
    for lag in 1..<min(Self.depth, end - first) + 1 {
      let index = end - lag
      row[Int(sequences.items[index])] += factor * sequences.weights[index] * decays[lag]
    }
  }

  // MARK: Both

  /// Replaces a matrix with its factor.
  private func factor(_ gram: borrowing FactorMatrix, ridge: Double) throws(UnsolvableEquations) {
    for movie in 0..<size { gram.all[movie * (size + 1)] += Float(ridge) }
    var span = MutableSpan(_unsafeElements: gram.all)
    do throws(NotPositiveDefinite) {
      try Cholesky.factor(&span, order: size)
    } catch {
      throw UnsolvableEquations()
    }
  }

  /// Each movie's neighbours with the largest weights above 0; of equal weights the smaller rows.
  private func selected(_ weights: borrowing FactorMatrix) -> Neighbours {
    var neighbours = Neighbours()
    var found: [(row: Int, weight: Float)] = []
    var next = 0
    for row in 0..<movieCount {
      found.removeAll(keepingCapacity: true)
      if next < chosen.count, chosen[next] == row {
        for other in chosen.indices where other != next {
          let weight = weights.all[other * size + next]
          if weight > 0, weight.isFinite { found.append((chosen[other], weight)) }
        }
        next += 1
      }
      if found.count > parameters.neighbours {
        found.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.row < $1.row }
        found.removeLast(found.count - parameters.neighbours)
        found.sort { $0.row < $1.row }
      }
      neighbours.append(found)
    }
    return neighbours
  }
}
