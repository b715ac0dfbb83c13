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
    if case .valid(let event) = self { event } else { nil }
  }

  /// The names of the failed rules, in order.
  var failed: [String] {
    if case .invalid(let failed, _) = self { failed.map(\.name.description) } else { [] }
  }

  var detail: JSONError? {
    if case .invalid(_, let detail) = self { detail } else { nil }
  }
}

/// Judges one value that the broker got at 2023-11-14T22:13:20Z.
func judge(
  _ value: [UInt8]?, recordTimestampMilliseconds: Int64 = 1_700_000_000_000
) -> Verdict {
  var validator = EventValidator()
  guard let value else {
    return validator.validate(
      value: nil, recordTimestampMilliseconds: recordTimestampMilliseconds, source: source)
  }
  return validator.validate(
    value: value.span.bytes, recordTimestampMilliseconds: recordTimestampMilliseconds,
    source: source)
}

func judge(_ text: String, recordTimestampMilliseconds: Int64 = 1_700_000_000_000) -> Verdict {
  judge(Array(text.utf8), recordTimestampMilliseconds: recordTimestampMilliseconds)
}

func stars(_ value: Double) -> HalfStars {
  guard let rating = HalfStars(stars: value) else { preconditionFailure("\(value) is no rating") }
  return rating
}
