public import RedisProjection

/// What Redis has of a project, by a scan of all its rows.
public struct ProjectionSurvey: Sendable {
  /// A row by which its log may be recognized.
  public struct Sample: Hashable, Sendable {
    public var view: Int
    public var row: ProjectionKeeper.Row
  }

  private static let samplesPerView = 12

  /// Rows with features, by view.
  public private(set) var counts: [Int]
  /// The newest generation of any fence; `nil` when there are no rows.
  public private(set) var newest: UInt64?
  public private(set) var samples: [Sample] = []

  /// Scans the rows of so many views.
  public init(_ sink: some FeatureSink, views: Int) throws(RedisError) {
    counts = Array(repeating: 0, count: views)
    for view in 0..<views {
      var cursor: ProjectionKeeper.Cursor? = .init()
      while let from = cursor {
        cursor = try sink.scan(view: view, from: from) { take($0, view) }
      }
    }
  }

  private mutating func take(_ row: ProjectionKeeper.Row, _ view: Int) {
    newest = max(newest ?? 0, row.fence?.generation ?? 0)
    guard row.eventTime != nil else { return }
    counts[view] += 1
    if counts[view] <= Self.samplesPerView { samples.append(Sample(view: view, row: row)) }
  }
}
