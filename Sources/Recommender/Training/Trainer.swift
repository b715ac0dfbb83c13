import Synchronization

/// Trains a model by implicit alternating least squares: rows and movies in turn get the vectors
/// that fit the others best. Formulas and sources are in Model.md.
///
/// The result depends only on the ratings and the parameters: every vector is computed by one
/// thread, and sums over vectors are taken in blocks of fixed size, in their order.
public struct Trainer: ~Copyable {
  /// How many users or movies a thread takes at a time.
  private static let usersPerPiece = 64
  private static let moviesPerPiece = 16
  /// How many times per half epoch progress is reported.
  private static let slices = 16

  public let parameters: ModelParameters
  private let windows: WindowedRatings
  private let threads: Threads
  private var rowFactors: FactorMatrix
  private var movieFactors: FactorMatrix
  private var scratch: [Scratch] = []
  private var epoch = 0

  /// The working memory of one thread.
  private final class Scratch {
    var equations: NormalEquations
    var failed = false

    init(order: Int) {
      equations = NormalEquations(order: order)
    }
  }

  /// - Parameters:
  ///   - ratings: must not be empty.
  ///   - parameters: must not have a `problem`.
  ///   - threads: at least 1; the result is the same for any number.
  public init(_ ratings: RatingMatrix, parameters: ModelParameters, threads: Int) {
    precondition(parameters.problem == nil && ratings.count > 0)
    self.parameters = parameters
    self.threads = Threads(threads)
    windows = WindowedRatings(ratings, window: parameters.window)
    rowFactors = FactorMatrix(rows: windows.rowCount, columns: parameters.factors)
    movieFactors = FactorMatrix(rows: ratings.movies.count, columns: parameters.factors)
    var random = SeededRandom(seed: parameters.seed)
    let deviation = parameters.initialDeviation / Double(parameters.factors).squareRoot()
    for movie in ratings.movies.indices {
      let row = movieFactors.row(movie)
      for index in row.indices { row[index] = Float(deviation * random.normal()) }
    }
    for _ in 0..<threads { scratch.append(Scratch(order: parameters.factors)) }
  }

  /// How many epochs have run.
  public var epochs: Int { epoch }

  /// Computes all rows from the movies, then all movies from the rows.
  ///
  /// - Parameter progress: called on the caller's thread now and then with the share done, 0...1.
  /// - Returns: the loss per rating.
  public mutating func runEpoch(progress: (Double) -> Void = { _ in }) throws(UnsolvableEquations)
    -> Double
  {
    let phase = windows.phase(ofEpoch: epoch)
    let unobserved = unobservedWeight(phase: phase)
    let rowsPenalty = try solveRows(unobserved, phase: phase) { progress($0 / 2) }
    let misfit = try solveMovies(unobserved, phase: phase) { progress(0.5 + $0 / 2) }
    epoch += 1
    return (rowsPenalty + misfit) / Double(windows.ratings.count)
  }

  /// How many rows the ratings make in even epochs.
  public var rows: Int { windows.usedRows(phase: 0) }

  private func unobservedWeight(phase: Int) -> Double {
    parameters.unobservedWeight(
      ratings: windows.ratings.count, rows: windows.usedRows(phase: phase),
      movies: windows.ratings.movies.count)
  }

  /// The trained model: the movies and their vectors, row-major.
  public consuming func finish() -> (movies: [Int64], factors: [Float]) {
    (windows.ratings.movies, Array(movieFactors.elements))
  }

  /// - Returns: Σ λ|x|² over the rows.
  private func solveRows(
    _ unobserved: Double, phase: Int, _ progress: (Double) -> Void
  ) throws(UnsolvableEquations) -> Double {
    let gram = movieFactors.gram(scaledBy: Float(unobserved), threads)
    let columns = windows.ratings.movies.count
    return try sum(
      windows.ratings.users.count, Self.usersPerPiece, progress
    ) { user, equations throws(UnsolvableEquations) in
      var penalty = 0.0
      var row = windows.firstRows[user]
      for window in windows.windows(ofUser: user, phase: phase) {
        equations.begin(gram: gram.span)
        for index in window {
          equations.add(
            row: Int(windows.ratings.columns[index]), of: movieFactors.elements, weight: 1)
        }
        let ridge = parameters.ridge(
          weight: equations.weight, unobserved: unobserved, columns: columns)
        try equations.solve(ridge: ridge)
        penalty += Double(ridge) * equations.store(in: rowFactors.row(row))
        row += 1
      }
      while row < windows.firstRows[user + 1] {
        rowFactors.row(row).update(repeating: 0)
        row += 1
      }
      return penalty
    }
  }

  /// - Returns: the rest of the loss, Σ w(1 - ŷ)² + α₀ Σ ŷ² + Σ λ|v|² over the movies, which at
  ///   each movie's minimum is Σ w - bᵀv.
  private func solveMovies(
    _ unobserved: Double, phase: Int, _ progress: (Double) -> Void
  ) throws(UnsolvableEquations) -> Double {
    let gram = rowFactors.gram(scaledBy: Float(unobserved), threads)
    let rows = windows.usedRows(phase: phase)
    return try sum(
      windows.ratings.movies.count, Self.moviesPerPiece, progress
    ) { movie, equations throws(UnsolvableEquations) in
      let range = windows.movieStarts[movie]..<windows.movieStarts[movie + 1]
      equations.begin(gram: gram.span)
      for index in range {
        equations.add(
          row: windows.row(index, phase: phase), of: rowFactors.elements, weight: 1)
      }
      try equations.solve(
        ridge: parameters.ridge(
          weight: equations.weight, unobserved: unobserved, columns: rows))
      _ = equations.store(in: movieFactors.row(movie))
      return equations.weight - equations.fit
    }
  }

  /// Sums over items. Threads take them in pieces; each piece has its own sum, and these are added
  /// in their order.
  private func sum(
    _ items: Int, _ itemsPerPiece: Int, _ progress: (Double) -> Void,
    _ body: (Int, inout NormalEquations) throws(UnsolvableEquations) -> Double
  ) throws(UnsolvableEquations) -> Double {
    let pieces = (items + itemsPerPiece - 1) / itemsPerPiece
    let sums = FixedSums(count: pieces)
    for slice in 0..<Self.slices {
      let range = pieces * slice / Self.slices..<pieces * (slice + 1) / Self.slices
      threads.forEach(range) { piece, thread in
        let scratch = scratch[thread]
        var sum = 0.0
        for item in piece * itemsPerPiece..<min((piece + 1) * itemsPerPiece, items) {
          do throws(UnsolvableEquations) {
            sum += try body(item, &scratch.equations)
          } catch {
            scratch.failed = true
          }
        }
        sums.set(piece, sum)
      }
      if scratch.contains(where: \.failed) { throw UnsolvableEquations() }
      progress(Double(slice + 1) / Double(Self.slices))
    }
    return sums.total
  }
}

/// Partial sums that several threads set, each its own.
private struct FixedSums: ~Copyable {
  private let sums: UnsafeMutableBufferPointer<Double>

  init(count: Int) {
    sums = .allocate(capacity: count)
    sums.initialize(repeating: 0)
  }

  deinit { sums.deallocate() }

  func set(_ index: Int, _ value: Double) { sums[index] = value }

  var total: Double { sums.reduce(0, +) }
}

extension NormalEquations {
  /// Copies the solution, which must be a row of k numbers.
  ///
  /// - Returns: its squared length.
  fileprivate func store(in row: UnsafeMutableBufferPointer<Float>) -> Double {
    var squares = 0.0
    for index in 0..<order {
      row[index] = vector[index]
      squares += Double(vector[index]) * Double(vector[index])
    }
    return squares
  }
}
