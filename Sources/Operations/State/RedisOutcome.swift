import Pipeline
import RedisProjection

/// What a comparison of Redis with the state has found.
struct RedisOutcome {
  enum Fault: Hashable {
    /// Redis has nothing of an entity, and should.
    case missing
    case different([ProjectionCheck.Difference])
    /// Redis has features of an entity that the log has none of.
    case leftOver
    /// The row's fence is beyond the log's end: no record replaces it.
    case fenced(Fence)
  }

  struct Row: Hashable {
    var entity: Int64
    var fault: Fault
  }

  /// Entities of the state.
  var rows = 0
  /// Rows that have changed meanwhile.
  var newer = 0
  var different = 0
  var missing = 0
  var leftOver = 0
  var fenced = 0
  private(set) var first: [Row] = []
  /// Movies whose published quality score is under an older prior than the present one.
  var unrefreshed = 0
  private let shown: Int

  init(shown: Int) {
    self.shown = shown
  }

  mutating func note(_ fault: Fault, _ entity: Int64) {
    switch fault {
    case .missing: missing += 1
    case .different: different += 1
    case .leftOver: leftOver += 1
    case .fenced: fenced += 1
    }
    if first.count < shown { first.append(Row(entity: entity, fault: fault)) }
  }

  /// What to do about rows that differ.
  ///
  /// - Parameters:
  ///   - rows: how many do, in whichever way.
  ///   - unreplaced: how many of them no record of the log replaces: those that are left over, and
  ///     those fenced beyond its end.
  static func remedies(rows: Int, unreplaced: Int) -> [String] {
    var remedies: [String] = []
    if rows > unreplaced {
      remedies.append("`projectionist redis rebuild` writes every row again while the daemon runs")
    }
    if unreplaced > 0 {
      remedies.append(
        "`projectionist redis claim` replaces every row, and removes those that none stand for")
    }
    return remedies
  }
}
