/// Collects, from scores with a known rounding error, every row that may be among the best.
///
/// With N wanted and each score within ε of the exact one, a row of the exact N best scores at least
/// the N-th best score less 2ε. What passes that bar is kept, and the bar rises with each better one
/// found: of n scores in random order about N · ln(n / N) pass, and the rest cost a comparison. NaN
/// and negative infinity never pass.
struct Selection: Sendable {
  private struct Candidate: Sendable {
    var row: Int32
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

  /// Begins anew.
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

  /// The rows that may be among the best, rising.
  var rows: some Sequence<Int> {
    candidates.lazy.filter { [bar] in $0.score > bar }.map { Int($0.row) }
  }

  /// Sees the scores of consecutive rows.
  ///
  /// - Parameter allowed: leaves out every other row; looked at only for a score that passes.
  mutating func take(_ scores: Span<Float>, firstRow: Int, allowed: RowSet?) {
    let bytes = scores.bytes
    let step = 64
    var index = 0
    while index + step <= scores.count {
      // Nearly all of them end here.
      if Self.anyExceeds(bar, bytes, at: index * 4) {
        for offset in index..<index + step {
          let score = bytes.unsafeLoad(fromByteOffset: offset * 4, as: Float.self)
          if score > bar { keep(score, firstRow + offset, allowed) }
        }
      }
      index += step
    }
    for offset in index..<scores.count where scores[offset] > bar {
      keep(scores[offset], firstRow + offset, allowed)
    }
  }

  /// Whether any of 64 scores exceeds the bar.
  @inline(__always)
  private static func anyExceeds(_ bar: Float, _ scores: RawSpan, at start: Int) -> Bool {
    typealias Lanes = SIMD16<Float>
    let bars = Lanes(repeating: bar)
    var found = SIMD16<Int32>(repeating: 0)
    for part in 0..<4 {
      let lanes = scores.unsafeLoadUnaligned(fromByteOffset: start + part * 64, as: Lanes.self)
      found |= unsafeBitCast(lanes .> bars, to: SIMD16<Int32>.self)
    }
    let eight = found.lowHalf | found.highHalf
    let four = eight.lowHalf | eight.highHalf
    return unsafeBitCast(four.lowHalf | four.highHalf, to: UInt64.self) != 0
  }

  @inline(never)
  private mutating func keep(_ score: Float, _ row: Int, _ allowed: RowSet?) {
    if let allowed, !allowed.contains(row) { return }
    candidates.append(Candidate(row: Int32(row), score: score))
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
