import Glibc
public import Ratings

/// Finds what a user's scores are the sum of: the user's vector, from all ratings and everyone's
/// taste, and the neighbours of the movies in the last sitting.
///
/// The formulas are in Model.md. Scratch memory is reused from user to user. The same ratings added
/// in the same order give the same bits. Belongs to one thread at a time.
public struct FoldIn: ~Copyable, Sendable {
  public let model: FactorModel

  /// The rows of the rated movies, in the order they were added; below 0 for those that the model
  /// lacks: -1 for the first of them, -2 for the second.
  private(set) var rows: [Int32] = []
  /// The vectors of those that the model lacks, one row of k per movie.
  private var placed: [Float] = []
  private var ratings: [HalfStars] = []
  private var times: [Int64] = []
  private var newest = NewestTimes()
  /// What each rating's vector is multiplied with.
  private var lasting: [Double] = []
  /// What each rating's neighbours are multiplied with; 0 for an old one.
  private var recent: [Double] = []
  /// What everyone's taste is multiplied with.
  private var priorWeight = 0.0
  /// The user's vector of k numbers, as the last `solve` found it.
  public private(set) var vector: [Float]
  private var sum: [Double]
  /// By factor: what the user's vector is multiplied with, 0...1.
  private var trust: [Double]
  /// By row: what the neighbours of rated movies add to its score; 0 for most.
  private(set) var additions: [Double]
  /// The rows with additions in the order they were found, then room for one more.
  private var touchedRows: [Int32]
  private var touchedCount = 0
  /// By row: 1 or 0.
  private var isTouched: [UInt8]
  private let recency: RecencyWeights
  private let taste: TasteWeights

  public init(_ model: FactorModel) {
    self.model = model
    vector = Array(repeating: 0, count: model.factorCount)
    sum = Array(repeating: 0, count: model.factorCount)
    trust = Array(repeating: 1, count: model.factorCount)
    additions = Array(repeating: 0, count: model.movies.count)
    touchedRows = Array(repeating: 0, count: model.movies.count + 1)
    isTouched = Array(repeating: 0, count: model.movies.count)
    recency = RecencyWeights(model.metadata.parameters)
    taste = TasteWeights(
      generalMean: model.metadata.meanRating, slope: model.metadata.parameters.taste,
      range: TasteWeights.serving)
  }

  /// The rows with additions, in the order they were found.
  var touched: ArraySlice<Int32> { touchedRows[..<touchedCount] }

  /// How many ratings have been added since `removeAll`.
  public var count: Int { rows.count }

  /// Starts another user.
  public mutating func removeAll() {
    rows.removeAll(keepingCapacity: true)
    placed.removeAll(keepingCapacity: true)
    ratings.removeAll(keepingCapacity: true)
    times.removeAll(keepingCapacity: true)
  }

  /// Adds a rating of a movie that the model knows.
  ///
  /// - Parameters:
  ///   - row: the movie's, at most once per user.
  ///   - timeMilliseconds: event time since 1970: newer ratings weigh more.
  public mutating func add(row: Int, rating: HalfStars, timeMilliseconds: Int64) {
    precondition(model.movies.indices.contains(row))
    rows.append(Int32(row))
    ratings.append(rating)
    times.append(timeMilliseconds)
  }

  /// Adds a rating of a movie that the model lacks.
  ///
  /// - Parameters:
  ///   - vector: the movie's, of k numbers, from `GenrePlacement`.
  ///   - timeMilliseconds: as in `add(row:rating:timeMilliseconds:)`.
  public mutating func add(placed vector: [Float], rating: HalfStars, timeMilliseconds: Int64) {
    precondition(vector.count == model.factorCount)
    placed.append(contentsOf: vector)
    rows.append(-Int32(placed.count / model.factorCount))
    ratings.append(rating)
    times.append(timeMilliseconds)
  }

  /// Finds `vector` and `additions`. Without ratings they are everyone's.
  ///
  /// - Parameter time: the moment to recommend for, in milliseconds since 1970; `nil` for that of
  ///   the user's newest rating.
  public mutating func solve(at time: Int64?) {
    weigh(at: time)
    addVectors()
    addNeighbours()
  }

  /// With so many ratings of a user, half of the doubt about a factor is gone.
  private static let doubtRatings = 10.0

  private mutating func addVectors() {
    let contents = model.contents
    let (rows, weights, placed, prior) = (self.rows, lasting, self.placed, priorWeight)
    let k = model.factorCount
    var sum = self.sum.mutableSpan
    for factor in 0..<k { sum[factor] = prior * Double(contents.prior[factor]) }
    for index in rows.indices where weights[index] != 0 {
      let row = Int(rows[index])
      if row < 0 {
        let vector = placed.span.extracting((-row - 1) * k..<(-row) * k)
        Self.add(vector, times: weights[index], to: &sum)
      } else {
        let vector = contents.factors.span.extracting(row * k..<(row + 1) * k)
        Self.add(vector, times: weights[index], to: &sum)
      }
    }
    for (factor, doubt) in model.metadata.doubts.enumerated() {
      trust[factor] = 1 - doubt * Self.doubtRatings / (Self.doubtRatings + Double(rows.count))
    }
    for factor in 0..<k { vector[factor] = Float(self.sum[factor] * trust[factor]) }
  }

  /// Each number is added by itself, so lanes change no bit.
  @inline(__always)
  private static func add(
    _ vector: Span<Float>, times weight: Double, to sum: inout MutableSpan<Double>
  ) {
    precondition(vector.count == sum.count)
    let numbers = vector.bytes
    let whole = vector.count & ~7
    var index = 0
    while index < whole {
      let lanes = numbers.unsafeLoadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
      var sums = sum.mutableBytes
      var part = sums.unsafeLoadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
      part += weight * SIMD8<Double>(lanes)
      sums.storeBytes(of: part, toByteOffset: index * 8, as: SIMD8<Double>.self)
      index += 8
    }
    while index < vector.count {
      sum[index] += weight * Double(vector[index])
      index += 1
    }
  }

  private mutating func addNeighbours() {
    for row in touched {
      additions[Int(row)] = 0
      isTouched[Int(row)] = 0
    }
    let neighbours = model.contents.neighbours
    let (rows, weights) = (self.rows, recent)
    // Each of thousands of additions would check for uniqueness and bounds.
    touchedCount = additions.withUnsafeMutableBufferPointer { additions in
      isTouched.withUnsafeMutableBufferPointer { isTouched in
        touchedRows.withUnsafeMutableBufferPointer { touched in
          var count = 0
          for index in rows.indices where weights[index] != 0 && rows[index] >= 0 {
            let weight = weights[index]
            neighbours.forEach(of: Int(rows[index])) { row, share in
              // A branch for new rows would be guessed wrong as often as not.
              touched[count] = Int32(truncatingIfNeeded: row)
              count += Int(1 - isTouched[row])
              isTouched[row] = 1
              additions[row] += weight * Double(share)
            }
          }
          return count
        }
      }
    }
  }

  private mutating func weigh(at time: Int64?) {
    let parameters = model.metadata.parameters
    let share = parameters.sittingShare(elapsedMilliseconds: elapsed(to: time))
    let halfStars = ratings.reduce(0) { $0 + Int($1.rawValue) }
    let mean = taste.mean(sum: Double(halfStars) / 2, count: ratings.count)
    let whole = Double(ratings.count) + parameters.prior
    priorWeight = whole > 0 ? (1 - share) * parameters.prior / whole : 0
    lasting.removeAll(keepingCapacity: true)
    recent.removeAll(keepingCapacity: true)
    for (index, rating) in ratings.enumerated() {
      let weight = taste.weight(stars: rating.stars, mean: mean)
      let row = Int(rows[index])
      let scale = row < 0 ? GenrePlacement.scale : Double(model.contents.scales[row])
      lasting.append((1 - share) * weight * scale / whole)
      recent.append(recency.count < .max ? 0 : share * weight / Double(ratings.count))
    }
    guard recency.count < .max, !ratings.isEmpty else { return }
    // Most of a long history is too old to count, so it is not ranked.
    newest.select(recency.count, of: times)
    let sum = newest.ranks.reduce(0.0) { $0 + recency[$1.newer] }
    for rank in newest.ranks {
      let weight = taste.weight(stars: ratings[rank.place].stars, mean: mean)
      recent[rank.place] = share * weight * recency[rank.newer] / sum
    }
  }

  /// Since the newest rating. A clock may be behind the ratings' own times.
  private func elapsed(to time: Int64?) -> Int64 {
    guard let time, let last = times.max(), time > last else { return 0 }
    let (elapsed, overflows) = time.subtractingReportingOverflow(last)
    return overflows ? .max : elapsed
  }

  /// The vector of a rated movie.
  @_lifetime(borrow self)
  private func vector(of row: Int32) -> Span<Float> {
    let k = model.factorCount
    if row < 0 { return placed.span.extracting(Int(-row - 1) * k..<Int(-row) * k) }
    return model.contents.factors.span.extracting(Int(row) * k..<(Int(row) + 1) * k)
  }

  /// After `solve`, what a movie's score is the sum of: what everyone's taste adds, and what each
  /// rating adds, in the order the ratings were added.
  ///
  /// - Parameter row: the recommended movie's.
  public func contributions(to row: Int) -> (prior: Double, ratings: [Double]) {
    var parts = contributions(to: vector(of: Int32(row)))
    for index in rows.indices where recent[index] != 0 && rows[index] >= 0 {
      let weight = model.contents.neighbours.weight(of: row, for: Int(rows[index]))
      parts.ratings[index] += recent[index] * Double(weight)
    }
    return parts
  }

  /// The same for a movie that the model lacks.
  func contributions(to vector: Span<Float>) -> (prior: Double, ratings: [Double]) {
    let trusted = trust.indices.map { Float(trust[$0] * Double(vector[$0])) }
    let parts = rows.indices.map { index in
      lasting[index] * BatchScorer.product(self.vector(of: rows[index]), trusted.span)
    }
    return (priorWeight * BatchScorer.product(model.contents.prior.span, trusted.span), parts)
  }
}

/// The share of its weight that a rating keeps, by the number of the user's newer ratings.
struct RecencyWeights: Sendable {
  /// Ratings with a smaller share of the newest's weight are left out.
  private static let smallest = 0x1p-6
  private let weights: [Double]

  init(_ parameters: ModelParameters) {
    let halfLife = parameters.recencyHalfLife
    guard halfLife > 0 else {
      weights = []
      return
    }
    let count = Int(-log2(Self.smallest) * halfLife) + 1
    weights = (0..<count).map { exp2(-Double($0) / halfLife) }
  }

  /// How many of the newest ratings have any weight.
  var count: Int { weights.isEmpty ? .max : weights.count }

  subscript(rank: Int) -> Double {
    weights.isEmpty ? 1 : rank < weights.count ? weights[rank] : 0
  }
}
