public import Recommender

extension FactorModel.Contents {
  /// Contents of made-up numbers.
  ///
  /// - Parameters:
  ///   - neighbours: how many each movie has, at most.
  ///   - number: the next number, from -1 to 1.
  public static func madeUp(
    movies: [Int64], factors k: Int, neighbours most: Int = 3, number: () -> Float
  ) -> FactorModel.Contents {
    let factors = (0..<movies.count * k).map { _ in number() }
    let scales = movies.map { _ in 0.5 + number().magnitude }
    let prior = (0..<k).map { _ in number() }
    var neighbours = Neighbours()
    for row in movies.indices {
      let rows = Set((0..<most).map { _ in Int(number().magnitude * Float(movies.count)) })
      neighbours.append(
        rows.filter { $0 != row && $0 < movies.count }.sorted()
          .map { ($0, 0.01 + number().magnitude) })
    }
    return FactorModel.Contents(
      movies: movies, factors: factors, scales: scales, prior: prior, neighbours: neighbours)
  }
}
