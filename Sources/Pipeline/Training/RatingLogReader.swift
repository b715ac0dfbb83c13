import Codecs
public import EventLog
import Ratings
public import Recommender
public import Streams

/// Reads `validated-ratings` from its beginning up to given offsets, by the rules that the user
/// stage folds by (`RatingStatement`).
///
/// The ratings are sorted by time instead of folded, which takes far less memory. Where the time
/// alone does not decide, because several events have the same or one was taken back by name, the
/// topic is read a second time, and those few users and movies are folded.
public final class RatingLogReader<Consumer: LogConsumer> {
  private let topic: String
  private let ends: [Int64]
  private var reader: PartitionReader<Consumer>
  private var parser = CanonicalEventParser()
  private var log = RatingLog()
  /// What must be folded.
  private var undecided: [RatedPair: StatementFold] = [:]

  /// How many offsets lie before the ends.
  public var total: Int { Int(reader.total) }
  /// How many of them have been passed.
  public var passed: Int { Int(reader.passed) }

  /// - Parameters:
  ///   - ends: by partition, the offset of the first record not to read.
  public init<Log: EventLog>(_ log: Log, topology: Topology, ends: [Int64], clientID: String)
    throws(LogError)
  where Log.Consumer == Consumer {
    topic = topology[.validatedRatings]
    self.ends = ends
    reader = try PartitionReader(
      log,
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: clientID,
        maxQueuedBytes: 32 << 20))
    try begin()
  }

  private func begin() throws(LogError) {
    try reader.begin(
      ends.enumerated().map { number, end in
        PartitionCursor(TopicPartition(topic, Int32(number)), from: .beginning, to: end)
      })
  }

  /// Reads on, up to some tens of thousands of records.
  ///
  /// - Returns: whether anything is left.
  public func read() throws(LogError) -> Bool {
    try reader.poll(maxRecords: 50_000) { _, record in
      guard let statement = statement(in: record) else { return true }
      log.append(
        user: statement.user, movie: statement.movie, rating: statement.said.rating,
        timeMilliseconds: statement.said.timeMilliseconds)
      if statement.retracts != nil {
        undecided[RatedPair(user: statement.user, movie: statement.movie)] = StatementFold()
      }
      return true
    }
    return !reader.isFinished
  }

  /// The ratings that count, once everything is read.
  public func finish() throws(LogError) -> RatingMatrix {
    var finished = RatingLog()
    swap(&finished, &log)
    let matrix = finished.finish(onTie: { undecided[$0] = StatementFold() })
    guard !undecided.isEmpty else { return matrix }
    try begin()
    try reader.readToEnd { _, record in
      if let statement = statement(in: record) { fold(statement) }
      return true
    }
    let decided = undecided.mapValues { $0.standing?.timed }
    undecided = [:]
    guard decided.contains(where: { matrix.rating(of: $0.key) != $0.value }) else { return matrix }
    return matrix.replacing(decided)
  }

  private func fold(_ statement: RatingStatement) {
    let pair = RatedPair(user: statement.user, movie: statement.movie)
    undecided[pair]?.take(statement)
  }

  /// - Returns: `nil` for a record that says nothing of a rating.
  private func statement(in record: borrowing RecordView) -> RatingStatement? {
    guard let value = record.value else { return nil }
    do throws(RecordError) {
      let event = try parser.parse(value, recordTime: record.timestamp)
      return RatingStatement(event, genres: GenreSet())
    } catch {
      // Written by something other than intake. The user stage skips it too.
      return nil
    }
  }
}
