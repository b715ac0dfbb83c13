/// Keeps a stage's batches smaller after large ones that failed. On a machine short of time, a full
/// batch can take longer than its transaction may, and would fail for ever.
///
/// A failed batch allows the next ones half of its records. After some commits in a row the cap
/// doubles, until it is as large as the limit.
struct BatchCap: Hashable, Sendable {
  /// What fails with fewer records fails for other reasons than its size.
  static let smallestFailure = 2_000
  /// Each attempt at a larger batch may cost the work of one.
  static let commitsPerStep = 10

  /// The most records in a batch; `nil` without a cap.
  private(set) var records: Int?
  private var commits = 0

  /// The smaller one of a limit and the cap.
  func applied(to limit: Int) -> Int { min(limit, records ?? limit) }

  /// Notes that a batch has failed, for whatever reason.
  mutating func noteFailure(records count: Int) {
    guard count >= Self.smallestFailure else { return }
    records = applied(to: count / 2)
    commits = 0
  }

  /// Notes that a batch was committed.
  ///
  /// - Parameter limit: the most records without a cap.
  mutating func noteCommit(limit: Int) {
    guard let cap = records else { return }
    commits += 1
    guard commits == Self.commitsPerStep else { return }
    commits = 0
    records = cap * 2 < limit ? cap * 2 : nil
  }
}
