import Glibc
import Ratings

/// Ratings as training sees them: how much each says that its user prefers its movie, by user and
/// by movie.
struct Preferences: Sendable {
  let ratings: RatingMatrix
  let generalMean: Double
  /// Each user's number of ratings to the power -0.3.
  let userScales: [Float]
  /// Each movie's number of ratings to the power -0.4.
  let movieScales: [Float]
  let movieCounts: [Int]
  /// Where each movie's ratings begin, then where the last movie's end.
  let movieStarts: [Int]
  /// The user of each of a movie's ratings, rising.
  let raters: [Int32]
  let raterWeights: [Float]
  /// Σ x² over the scaled preferences.
  let squares: Double
  private let taste: TasteWeights
  private let means: [Double]

  init(_ ratings: RatingMatrix) {
    self.ratings = ratings
    var sum = 0.0
    for index in 0..<ratings.count { sum += ratings.rating(index).rating.stars }
    generalMean = sum / Double(max(ratings.count, 1))
    let taste = TasteWeights(
      generalMean: generalMean, slope: TasteWeights.trainingSlope, range: TasteWeights.training)
    self.taste = taste
    means = ratings.users.indices.map { user in
      let count = ratings.range(ofUser: user).count
      return taste.mean(sum: ratings.meanStars(ofUser: user) * Double(count), count: count)
    }
    userScales = ratings.users.indices.map {
      powf(Float(ratings.range(ofUser: $0).count), -Trainer.userExponent)
    }
    movieCounts = ratings.movieCounts
    movieScales = movieCounts.map { powf(Float($0), -Trainer.movieExponent) }
    var starts = [0] + movieCounts
    for movie in ratings.movies.indices { starts[movie + 1] += starts[movie] }
    movieStarts = starts
    var raters = [Int32](repeating: 0, count: ratings.count)
    var weights = [Float](repeating: 0, count: ratings.count)
    var squares = 0.0
    for user in ratings.users.indices {
      for index in ratings.range(ofUser: user) {
        let rating = ratings.rating(index)
        let weight = Float(taste.weight(stars: rating.rating.stars, mean: means[user]))
        raters[starts[rating.movie]] = Int32(user)
        weights[starts[rating.movie]] = weight
        starts[rating.movie] += 1
        let scaled = Double(weight * userScales[user] * movieScales[rating.movie])
        squares += scaled * scaled
      }
    }
    self.raters = raters
    raterWeights = weights
    self.squares = squares
  }

  /// The weight of a rating.
  func weight(_ index: Int, ofUser user: Int) -> Float {
    Float(taste.weight(stars: ratings.rating(index).rating.stars, mean: means[user]))
  }

  /// For each movie, how much more its raters give it than their plain mean, in stars; of few
  /// ratings less.
  var qualities: [Double] {
    var sums = [Double](repeating: 0, count: ratings.movies.count)
    for user in ratings.users.indices {
      let mean = ratings.meanStars(ofUser: user)
      for index in ratings.range(ofUser: user) {
        let rating = ratings.rating(index)
        sums[rating.movie] += rating.rating.stars - mean
      }
    }
    return zip(sums, movieCounts).map { $0 / (Double($1) + Self.qualityRatings) }
  }

  /// How many ratings of the mean are added to a movie's.
  private static let qualityRatings = 10.0

  /// For each movie, its ratings' number, of which the older count less.
  ///
  /// - Parameter halfLife: in days.
  func recentCounts(halfLife: Double) -> [Double] {
    let newest = ratings.newestMilliseconds
    var sums = movieCounts.map { Double($0) * Self.oldShare }
    for index in 0..<ratings.count {
      let rating = ratings.rating(index)
      let days = Double(newest - rating.timeMilliseconds) / 86_400_000
      sums[rating.movie] += exp2(-days / halfLife)
    }
    return sums
  }

  /// What a rating counts for the trend however old it is.
  private static let oldShare = 0.01

  /// Everyone's taste by movies: the mean over users of their weights, each user's by the number of
  /// ratings.
  var commonWeights: [Double] {
    var sums = [Double](repeating: 0, count: ratings.movies.count)
    for user in ratings.users.indices {
      let range = ratings.range(ofUser: user)
      for index in range {
        sums[Int(ratings.columns[index])] +=
          Double(weight(index, ofUser: user)) / Double(range.count)
      }
    }
    return sums.map { $0 / Double(max(ratings.users.count, 1)) }
  }
}
