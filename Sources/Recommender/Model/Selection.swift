/// Collects every place that may be among the best, from scores with a known rounding error.
///
/// With N wanted and each score within ε of the exact one, each of the exact N best scores at least
/// the N-th best score minus 2ε. Scores above that bar are kept, and the bar rises as better ones
/// are found: of n scores in random order about N · ln(n / N) pass, and the rest cost a comparison.
/// NaN and negative infinity never pass.
struct Selection: Sendable {
  private struct Candidate: Sendable {
    var place: Int32
    var score: Float
  }

  /// All that have passed; the bar may have risen since.
  private var candidates: [Candidate] = []
  /// The best scores so far, falling; at most `wanted`.
  private var best: [Float] = []
  private var wanted = 0
  private var slack: Float = 0
  /// What a score must exceed.
  private var bar = -Float.infinity

  /// Starts over.
  ///
  /// - Parameters:
  ///   - count: N, at least 1.
  ///   - error: ε.
  mutating func begin(count: Int, error: Float) {
    precondition(count > 0)
    candidates.removeAll(keepingCapacity: true)
    best.removeAll(keepingCapacity: true)
    wanted = count
    slack = 2 * error
    bar = -.infinity
  }

  /// The places that may be among the best, rising.
  var places: some Sequence<Int> {
    candidates.lazy.filter { [bar] in $0.score > bar }.map { Int($0.place) }
  }

  /// Whether no place whose exact score is at most `limit` could change anything.
  func isFinal(forScoresUpTo limit: Double) -> Bool { limit <= Double(bar) }

  /// Takes the scores of consecutive places.
  ///
  /// - Parameters:
  ///   - rows: the row of each place, for `allowed`.
  ///   - allowed: leaves out every other row; checked only for scores that pass.
  mutating func take(_ scores: Span<Float>, first: Int, rows: [Int32], allowed: RowSet?) {
    let bytes = scores.bytes
    let step = 4 * Lanes.scalarCount
    var index = 0
    while index + step <= scores.count {
      // Nearly all scores end here.
      if Self.anyExceeds(bar, bytes, at: index, lanes: 4) {
        for start in stride(from: index, to: index + step, by: Lanes.scalarCount)
        where Self.anyExceeds(bar, bytes, at: start, lanes: 1) {
          for offset in start..<start + Lanes.scalarCount {
            let score = bytes.unsafeLoad(fromByteOffset: offset * 4, as: Float.self)
            if score > bar { keep(score, first + offset, rows, allowed) }
          }
        }
      }
      index += step
    }
    for offset in index..<scores.count where scores[offset] > bar {
      keep(scores[offset], first + offset, rows, allowed)
    }
  }

  private typealias Lanes = SIMD16<Float>

  /// Whether any of the scores in `count` vectors of lanes exceeds the bar.
  @inline(__always)
  private static func anyExceeds(
    _ bar: Float, _ scores: RawSpan, at start: Int, lanes count: Int
  ) -> Bool {
    let bars = Lanes(repeating: bar)
    var found = SIMD16<Int32>(repeating: 0)
    for part in 0..<count {
      let lanes = scores.unsafeLoadUnaligned(
        fromByteOffset: (start + part * Lanes.scalarCount) * 4, as: Lanes.self)
      found |= unsafeBitCast(lanes .> bars, to: SIMD16<Int32>.self)
    }
    let eight = found.lowHalf | found.highHalf
    let four = eight.lowHalf | eight.highHalf
    return unsafeBitCast(four.lowHalf | four.highHalf, to: UInt64.self) != 0
  }

  @inline(never)
  private mutating func keep(_ score: Float, _ place: Int, _ rows: [Int32], _ allowed: RowSet?) {
    if let allowed, !allowed.contains(Int(rows[place])) { return }
    candidates.append(Candidate(place: Int32(place), score: score))
    if best.count == wanted {
      guard let last = best.last, score > last else { return }
      best.removeLast()
    }
    var place = best.count
    while place > 0, best[place - 1] < score { place -= 1 }
    best.insert(score, at: place)
    if best.count == wanted, let last = best.last { bar = (last - slack).nextDown }
  }
}
