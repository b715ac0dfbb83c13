public import Ratings

/// Places films that a model lacks by their genres: the vector of such a film is the mean of those
/// of the model's films, each weighted by the share of its genres in common.
///
/// The vectors are those of films with one rating, whose scale is 1 (Model.md): what is rated often
/// comes first. Sums are added in the order of the model's rows, so equal models and genres give
/// equal bits.
public struct GenrePlacement: Sendable {
  /// The scale of a placed film.
  static let scale = 1.0

  private let factorCount: Int
  /// The different sets of genres of the model's films, in the order of their first films.
  private var kinds: [GenreSet] = []
  /// For each kind, how many films it has.
  private var counts: [Double] = []
  /// Row-major, one row of k per kind: the sum of its films' vectors.
  private var sums: [Double] = []
  /// What has been asked for; empty for genres that are like none.
  private var found: [GenreSet: [Float]] = [:]

  /// - Parameter genres: those of each of the model's rows; empty where they are not known.
  public init(_ model: FactorModel, genres: [GenreSet]) {
    precondition(genres.count == model.movies.count)
    let k = model.factorCount
    factorCount = k
    var places: [GenreSet: Int] = [:]
    for (row, genres) in genres.enumerated() where genres.rawValue != 0 {
      let kind: Int
      if let place = places[genres] {
        kind = place
      } else {
        kind = kinds.count
        places[genres] = kind
        kinds.append(genres)
        counts.append(0)
        sums.append(contentsOf: repeatElement(0, count: k))
      }
      counts[kind] += 1
      // Between what a score multiplies with and what a rating adds lies the vector by itself.
      let scale = Double(model.contents.scales[row]).squareRoot()
      for factor in 0..<k {
        sums[kind * k + factor] += scale * Double(model.factors[row * k + factor])
      }
    }
  }

  /// The vector of a film with these genres; `nil` if no film of the model has any of them, or the
  /// numbers are too large.
  public mutating func vector(of genres: GenreSet) -> [Float]? {
    if let known = found[genres] { return known.isEmpty ? nil : known }
    let vector = mean(genres)
    found[genres] = vector
    return vector.isEmpty ? nil : vector
  }

  private func mean(_ genres: GenreSet) -> [Float] {
    var whole = 0.0
    var sum = [Double](repeating: 0, count: factorCount)
    for (kind, others) in kinds.enumerated() {
      let likeness = genres.likeness(to: others)
      guard likeness > 0 else { continue }
      whole += likeness * counts[kind]
      for factor in 0..<factorCount {
        sum[factor] += likeness * sums[kind * factorCount + factor]
      }
    }
    guard whole > 0 else { return [] }
    let vector = sum.map { Float($0 / whole) }
    return vector.allSatisfy(\.isFinite) ? vector : []
  }
}

/// The films of equal genres that a model lacks.
public struct PlacedFilms: Sendable {
  public var vector: [Float]
  /// Their ids, rising.
  public var movies: [Int64]

  public init(vector: [Float], movies: [Int64]) {
    self.vector = vector
    self.movies = movies
  }
}
