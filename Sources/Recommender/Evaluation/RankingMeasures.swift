import Glibc

/// How well one user's list ranks the movies held out of the user's ratings. Relevance is binary:
/// whatever the user rated is relevant.
struct RankingMeasures {
  /// Whether the movie at each rank, from 0, was held out.
  private let hits: [Bool]
  /// How many were held out, at least 1.
  private let relevant: Int

  /// - Parameters:
  ///   - ranked: rows, best first.
  ///   - relevant: rising rows.
  init(ranked: some Sequence<Int32>, relevant: ArraySlice<Int32>) {
    precondition(!relevant.isEmpty)
    hits = ranked.map { relevant.contains(sorted: $0) }
    self.relevant = relevant.count
  }

  private func hitCount(_ length: Int) -> Double { Double(hits.prefix(length).count { $0 }) }

  /// The share of the first k that were held out; a shorter list counts as misses at its end.
  func precision(at k: Int) -> Double { hitCount(k) / Double(k) }

  /// The share of held-out movies among the first k.
  func recall(at k: Int) -> Double { hitCount(k) / Double(relevant) }

  /// Recall as the papers on MovieLens 20M define it: of min(k, held out).
  func truncatedRecall(at k: Int) -> Double { hitCount(k) / Double(min(k, relevant)) }

  /// Gain discounted by 1 / log₂(rank + 1), relative to that of an ideal list of min(k, held out)
  /// hits.
  func ndcg(at k: Int) -> Double {
    var gain = 0.0
    for (rank, isHit) in hits.prefix(k).enumerated() where isHit { gain += Self.discount(rank) }
    var ideal = 0.0
    for rank in 0..<min(k, relevant) { ideal += Self.discount(rank) }
    return gain / ideal
  }

  private static func discount(_ rank: Int) -> Double { 1 / log2(Double(rank) + 2) }

  /// The probability that a relevant row scores higher than one that is neither relevant nor known,
  /// with ties counting half: the area under the ROC curve. One half if there is nothing to compare
  /// with.
  ///
  /// - Parameters:
  ///   - scores: of all rows.
  ///   - relevant: rising rows, at least one.
  ///   - known: rising rows.
  static func auc(
    scores: Span<Float>, relevant: ArraySlice<Int32>, known: ArraySlice<Int32>
  ) -> Double {
    let positives = relevant.map { scores[Int($0)] }.sorted()
    var skipped = (known + relevant)
    skipped.sort()
    var wins = 0.0
    var others = 0
    var next = skipped.startIndex
    for row in scores.indices {
      while next < skipped.endIndex, skipped[next] < row { next += 1 }
      if next < skipped.endIndex, skipped[next] == row { continue }
      others += 1
      guard scores[row] >= positives[0] else {
        // Nearly all rows end here.
        wins += Double(positives.count)
        continue
      }
      let (below, equal) = positives.position(of: scores[row])
      wins += Double(positives.count - below - equal) + Double(equal) / 2
    }
    return others == 0 ? 0.5 : wins / (Double(others) * Double(positives.count))
  }
}

extension ArraySlice<Int32> {
  /// Whether a rising slice contains a number.
  func contains(sorted value: Int32) -> Bool {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low < endIndex && self[low] == value
  }
}

extension [Float] {
  /// How many elements of a rising array are below a value, and how many equal it.
  fileprivate func position(of value: Float) -> (below: Int, equal: Int) {
    func firstIndex(where isPast: (Float) -> Bool) -> Int {
      var low = 0
      var high = count
      while low < high {
        let middle = (low + high) / 2
        if isPast(self[middle]) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    let below = firstIndex { $0 >= value }
    return (below, firstIndex { $0 > value } - below)
  }
}
