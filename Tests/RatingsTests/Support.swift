import Codecs
import Ratings

func encoded(_ encode: (inout [UInt8]) -> Void) -> [UInt8] {
  var bytes: [UInt8] = []
  encode(&bytes)
  return bytes
}

let source = SourceCoordinates(partition: 3, offset: 12)

extension Verdict {
  var event: RatingEvent? {
    if case .valid(let event, _) = self { event } else { nil }
  }

  /// The names of the failed rules, in order.
  var failed: [String] {
    if case .invalid(let failed, _) = self { failed.map(\.name.description) } else { [] }
  }

  /// Why they fail, in order.
  var messages: [String] {
    if case .invalid(_, let details) = self { details.map(\.message) } else { [] }
  }

  /// The names of the coercions that it needed.
  var coerced: [String] {
    switch self {
    case .valid(_, let coerced), .silent(let coerced): coerced.names
    case .invalid: []
    }
  }
}

/// Judges one value that the broker got at 2023-11-14T22:13:20Z.
func judge(
  _ value: [UInt8]?, key: String? = nil, cloudTime: Int64? = nil,
  _ policy: IntakePolicy = IntakePolicy(), zone: ZoneOffsets = .utc,
  recordTimestampMilliseconds: Int64 = 1_700_000_000_000
) -> Verdict {
  var validator = EventValidator(policy: policy, zone: zone)
  let (valueBytes, keyBytes) = (value ?? [], Array((key ?? "").utf8))
  return validator.validate(
    value: value == nil ? nil : valueBytes.span.bytes,
    key: key == nil ? nil : keyBytes.span.bytes, cloudTime: cloudTime,
    recordTimestampMilliseconds: recordTimestampMilliseconds, source: source)
}

func judge(
  _ text: String, cloudTime: Int64? = nil, _ policy: IntakePolicy = IntakePolicy(),
  zone: ZoneOffsets = .utc, recordTimestampMilliseconds: Int64 = 1_700_000_000_000
) -> Verdict {
  judge(
    Array(text.utf8), cloudTime: cloudTime, policy, zone: zone,
    recordTimestampMilliseconds: recordTimestampMilliseconds)
}

func stars(_ value: Double) -> HalfStars {
  guard let rating = HalfStars(stars: value) else { preconditionFailure("\(value) is no rating") }
  return rating
}

extension UserRating {
  /// A rating of the event at an offset.
  init(
    timed: TimedRating, genres: GenreSet = GenreSet(), offset: Int64 = 0, recordTime: Int64 = -1
  ) {
    self.init(
      rating: timed.rating, timeMilliseconds: timed.timeMilliseconds, genres: genres,
      source: SourceCoordinates(partition: 0, offset: offset),
      recordTimeMilliseconds: recordTime)
  }

  /// A take-back.
  init(takenBackAt time: Int64, offset: Int64 = 0) {
    self.init(
      rating: nil, timeMilliseconds: time, source: SourceCoordinates(partition: 0, offset: offset))
  }
}

extension MovieAggregate {
  mutating func apply(old: TimedRating?, new: TimedRating?) -> Bool {
    apply(RatingChange(movie: 1, user: 1, old: old, new: new, source: source))
  }
}
