import LinearAlgebra

/// Trains a model: the singular vectors of the users' preferences by orthogonal iteration, and then
/// the movies' neighbours. Formulas and sources are in Model.md.
///
/// The result depends only on the ratings and the parameters: every row is computed by one thread,
/// and sums over rows are taken in blocks of fixed size, in their order.
public struct Trainer: ~Copyable {
  /// Preferences are divided by these powers of the user's and the movie's number of ratings: else
  /// the first vectors would only tell those who rate much, and what is rated much, from others.
  static let userExponent: Float = 0.3
  static let movieExponent: Float = 0.4
  /// Vectors beyond those wanted, which make the wanted ones converge sooner. Source: Halko,
  /// Martinsson and Tropp, "Finding structure with randomness", SIAM Review 53 (2011), section 4.5.
  private static let oversampling = 8
  /// How many users or movies a thread takes at a time.
  private static let rowsPerPiece = 64
  /// How many times per half epoch progress is reported.
  private static let slices = 8

  public let parameters: ModelParameters
  private let preferences: Preferences
  private let threads: Threads
  /// Orthonormal columns, one row per movie.
  private var movieVectors: FactorMatrix
  private var userVectors: FactorMatrix
  private var epoch = 0

  /// - Parameters:
  ///   - ratings: must not be empty.
  ///   - parameters: must not have a `problem`.
  ///   - threads: at least 1; the result is the same for any number.
  public init(_ ratings: RatingMatrix, parameters: ModelParameters, threads: Int) {
    precondition(parameters.problem == nil && ratings.count > 0)
    self.parameters = parameters
    self.threads = Threads(threads)
    preferences = Preferences(ratings)
    let columns = parameters.factors + Self.oversampling
    userVectors = FactorMatrix(rows: ratings.users.count, columns: columns)
    movieVectors = FactorMatrix(rows: ratings.movies.count, columns: columns)
    var random = SeededRandom(seed: parameters.seed)
    for index in movieVectors.all.indices { movieVectors.all[index] = Float(random.normal()) }
    orthonormalize()
  }

  /// How many epochs have run.
  public var epochs: Int { epoch }

  /// Multiplies the vectors with XᵀX and makes them orthonormal again.
  ///
  /// - Parameter progress: called on the caller's thread now and then with the share done, 0...1.
  /// - Returns: the share of X's squares that the vectors did not explain before; it never rises,
  ///   but by rounding.
  public mutating func runEpoch(progress: (Double) -> Void = { _ in }) -> Double {
    solveUsers { progress($0 / 2) }
    let explained = userVectors.all.reduce(0.0) { $0 + Double($1) * Double($1) }
    solveMovies { progress(0.5 + $0 / 2) }
    orthonormalize()
    epoch += 1
    return max(0, 1 - explained / max(preferences.squares, .leastNormalMagnitude))
  }

  /// What the ratings have taught.
  public consuming func finish() throws(UnsolvableEquations) -> Fit {
    solveUsers { _ in }
    let columns = movieVectors.columns
    let gram = userVectors.gram(scaledBy: 1, threads).map(Double.init)
    let k = parameters.factors
    guard let eigen = SymmetricEigen(gram, order: columns) else { throw UnsolvableEquations() }
    var turn = [Float](repeating: 0, count: columns * k)
    for factor in 0..<k {
      for column in 0..<columns {
        turn[column * k + factor] = Float(eigen.vectors[factor * columns + column])
      }
    }
    var vectors = [Float](repeating: 0, count: movieVectors.rows * k)
    var span = vectors.mutableSpan
    BLAS.product(of: movieVectors.span, and: turn.span, inner: columns, into: &span)
    let neighbours = try NeighbourTraining(preferences, parameters).train(threads)
    return Fit(
      preferences, vectors: vectors, factors: k, squares: eigen.values, neighbours: neighbours)
  }

  /// Sets the users' rows to X · V.
  private func solveUsers(_ progress: (Double) -> Void) {
    let ratings = preferences.ratings
    forEach(ratings.users.count, progress) { user in
      let row = userVectors.row(user)
      row.update(repeating: 0)
      for index in ratings.range(ofUser: user) {
        let movie = Int(ratings.columns[index])
        row.add(
          movieVectors.row(movie),
          times: preferences.weight(index, ofUser: user) * preferences.movieScales[movie])
      }
      row.multiply(by: preferences.userScales[user])
    }
  }

  /// Sets the movies' rows to Xᵀ · U.
  private func solveMovies(_ progress: (Double) -> Void) {
    forEach(preferences.ratings.movies.count, progress) { movie in
      let row = movieVectors.row(movie)
      row.update(repeating: 0)
      for place in preferences.movieStarts[movie]..<preferences.movieStarts[movie + 1] {
        let user = Int(preferences.raters[place])
        row.add(
          userVectors.row(user),
          times: preferences.raterWeights[place] * preferences.userScales[user])
      }
      row.multiply(by: preferences.movieScales[movie])
    }
  }

  private func forEach(_ count: Int, _ progress: (Double) -> Void, _ body: (Int) -> Void) {
    let pieces = (count + Self.rowsPerPiece - 1) / Self.rowsPerPiece
    for slice in 0..<Self.slices {
      let range = pieces * slice / Self.slices..<pieces * (slice + 1) / Self.slices
      threads.forEach(range) { piece, _ in
        let first = piece * Self.rowsPerPiece
        for row in first..<min(first + Self.rowsPerPiece, count) { body(row) }
      }
      progress(Double(slice + 1) / Double(Self.slices))
    }
  }

  /// Makes the columns of `movieVectors` orthonormal; those that depend on others become zero.
  private mutating func orthonormalize() {
    // Once leaves the rounding of a squared condition; twice leaves that of none. Source: Yamamoto
    // et al., "Roundoff error analysis of the CholeskyQR2 algorithm", ETNA 44 (2015).
    for _ in 0..<2 {
      let columns = movieVectors.columns
      let gram = movieVectors.gram(scaledBy: 1, threads).map(Double.init)
      guard let eigen = SymmetricEigen(gram, order: columns) else { return }
      let least = eigen.values[0] * Self.dependent
      var turn = [Float](repeating: 0, count: columns * columns)
      for row in 0..<columns where eigen.values[row] > max(least, 0) {
        let scale = 1 / eigen.values[row].squareRoot()
        for column in 0..<columns {
          turn[column * columns + row] = Float(eigen.vectors[row * columns + column] * scale)
        }
      }
      var turned = [Float](repeating: 0, count: movieVectors.rows * columns)
      var span = turned.mutableSpan
      BLAS.product(of: movieVectors.span, and: turn.span, inner: columns, into: &span)
      _ = movieVectors.all.update(fromContentsOf: turned)
    }
  }

  /// A squared length, relative to the largest, that is only rounding.
  private static let dependent = 1e-6
}

extension UnsafeMutableBufferPointer<Float> {
  /// Adds a row of the same length times a factor.
  fileprivate func add(_ other: UnsafeMutableBufferPointer<Float>, times factor: Float) {
    for index in 0..<count { self[index] += other[index] * factor }
  }

  fileprivate func multiply(by factor: Float) {
    for index in 0..<count { self[index] *= factor }
  }
}
