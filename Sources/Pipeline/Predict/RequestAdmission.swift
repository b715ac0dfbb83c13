import Codecs
import EventLog
import Ratings
import Recommender
import Streams

/// What to do with a request, as its record alone decides it.
enum RequestDisposition {
  /// Its deadline has passed: nobody waits for the reply.
  case expired
  /// Its record is so old, in milliseconds, that nobody waits for the reply any more.
  case old(Int64)
  case refused(RequestError)
  /// Its user's state is in another partition.
  case misrouted(to: Int32)
  case accepted(RecommendationRequest)
}

/// Decides what to do with requests.
struct RequestAdmission: ~Copyable {
  /// A record's time before 1995 is none: a sender gave seconds, say, and waits for its reply.
  private static let earliestTime = EventRules.earliestTimeMilliseconds

  private let partitionOf: (RawSpan) -> Int32
  private let time: () -> Int64
  private let maxAge: Int64
  private var parser = RequestParser()
  private var key = JSONWriter(capacity: 32)

  /// - Parameters:
  ///   - partitionOf: where Kafka's default partitioner puts a user's key among the user
  ///     partitions.
  ///   - time: milliseconds since 1970.
  ///   - maxAge: how long after its record's time a request is answered.
  init(
    partitionOf: @escaping (RawSpan) -> Int32, time: @escaping () -> Int64,
    maxAge: Duration
  ) {
    self.partitionOf = partitionOf
    self.time = time
    self.maxAge = Int64(maxAge / .milliseconds(1))
  }

  /// When a request was made: its record's time, or now if it has none.
  func moment(of record: borrowing RecordView) -> Int64 {
    record.timestamp >= Self.earliestTime ? record.timestamp : time()
  }

  /// - Parameters:
  ///   - headerBytes: the size of all the record's headers.
  ///   - headers: what those headers ask for.
  ///   - partition: where the record was read.
  mutating func disposition(
    of record: borrowing RecordView, headerBytes: Int, _ headers: RequestHeaders,
    partition: Int32
  ) -> RequestDisposition {
    let now = time()
    if case .at(let deadline) = headers.deadline, now > deadline { return .expired }
    if record.timestamp >= Self.earliestTime, now - record.timestamp > maxAge {
      return .old(now - record.timestamp)
    }
    let request: RecommendationRequest
    do throws(RequestError) {
      guard record.byteCount + headerBytes <= CopyLimit.bytes else { throw .tooLarge }
      request = try parser.parse(record.value)
      if case .invalid(let fault) = headers.deadline {
        throw .invalidDeadline(fault, user: request.user)
      }
    } catch { return .refused(error) }
    key.removeAll()
    key.integer(request.user)
    let home = partitionOf(key.bytes)
    guard home != partition else { return .accepted(request) }
    return headers.isRerouted
      ? .refused(.wrongPartition(user: request.user)) : .misrouted(to: home)
  }
}
