/// The kinds of bad events that are mixed into generated ratings. Each fails validation.
public enum InvalidEvent: UInt8, Sendable, CaseIterable {
  case nullValue
  case emptyValue
  case notJSON
  case truncated
  case trailingGarbage
  case notUTF8
  case array
  case nullDocument
  case deepNesting
  case missingUser
  case missingMovie
  case missingRating
  case missingTimestamp
  case nullUser
  case textUser
  case textMovie
  case fractionalUser
  case negativeUser
  case userBeyond63Bits
  case movieBeyond64Bits
  case ratingTooLow
  case ratingTooHigh
  case ratingOffGrid
  case ratingText
  case ratingBoolean
  case ratingNaN
  case ratingBeyondDouble
  case timestampTooOld
  case timestampFuture
  case timestampText
  case timestampObject
  case unknownEventType
  case eventTypeNumber
  case duplicateKey
  case genresNumber
  case genreTooLong
  case sessionTooLong

  /// Appends the event's bytes; nothing for a null or an empty value.
  func append(user: Int64, movie: Int64, seconds: Int64, to bytes: inout [UInt8]) {
    switch self {
    case .nullValue, .emptyValue: break
    case .notJSON: bytes.append("user 7 gave movie 12 five stars")
    case .array: bytes.append(#"[7,12,5.0,1700000000]"#)
    case .nullDocument: bytes.append("null")
    case .deepNesting:
      for _ in 0..<2000 { bytes.append(UInt8(ascii: "[")) }
    case .truncated:
      bytes.append(#"{"user_id":"#)
      bytes.append(decimal: user)
      bytes.append(#","movie_id":"#)
    default:
      Template(user: user, movie: movie, seconds: seconds, fault: self).append(to: &bytes)
    }
  }
}

/// A whole event with one thing wrong.
private struct Template {
  let user: Int64
  let movie: Int64
  let seconds: Int64
  let fault: InvalidEvent

  func append(to bytes: inout [UInt8]) {
    bytes.append("{")
    if fault != .missingUser { appendUser(to: &bytes) }
    if fault != .missingMovie { appendMovie(to: &bytes) }
    if fault != .missingRating { appendRating(to: &bytes) }
    if fault != .missingTimestamp { appendTimestamp(to: &bytes) }
    appendExtra(to: &bytes)
    if bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
    bytes.append("}")
    if fault == .trailingGarbage { bytes.append("}") }
  }

  private func appendUser(to bytes: inout [UInt8]) {
    bytes.append(#""user_id":"#)
    switch fault {
    case .nullUser: bytes.append("null")
    case .textUser:
      bytes.append(#""user "#)
      bytes.append(decimal: user)
      bytes.append(#"""#)
    case .fractionalUser:
      bytes.append(decimal: user)
      bytes.append(".5")
    case .negativeUser: bytes.append(decimal: -1 - user)
    case .userBeyond63Bits: bytes.append("9223372036854775808")
    default: bytes.append(decimal: user)
    }
    bytes.append(",")
  }

  private func appendMovie(to bytes: inout [UInt8]) {
    bytes.append(#""movie_id":"#)
    switch fault {
    case .textMovie: bytes.append(#""Toy Story""#)
    case .movieBeyond64Bits: bytes.append("36893488147419103232")
    default: bytes.append(decimal: movie)
    }
    bytes.append(",")
  }

  private func appendRating(to bytes: inout [UInt8]) {
    bytes.append(#""rating":"#)
    switch fault {
    case .ratingTooLow: bytes.append("0.0")
    case .ratingTooHigh: bytes.append("5.5")
    case .ratingOffGrid: bytes.append("3.7")
    case .ratingText: bytes.append(#""four stars""#)
    case .ratingBoolean: bytes.append("true")
    case .ratingNaN: bytes.append("NaN")
    case .ratingBeyondDouble: bytes.append("1e999")
    default: bytes.append("4.0")
    }
    bytes.append(",")
  }

  private func appendTimestamp(to bytes: inout [UInt8]) {
    bytes.append(#""timestamp":"#)
    switch fault {
    // One second before 1995, and the year 2100.
    case .timestampTooOld: bytes.append("788918399")
    case .timestampFuture: bytes.append("4102444800")
    case .timestampText: bytes.append(#""last tuesday""#)
    case .timestampObject: bytes.append(#"{"seconds":1700000000}"#)
    default: bytes.append(decimal: seconds)
    }
    bytes.append(",")
  }

  private func appendExtra(to bytes: inout [UInt8]) {
    switch fault {
    case .unknownEventType: bytes.append(#""event_type":"purchase""#)
    case .eventTypeNumber: bytes.append(#""event_type":7"#)
    case .duplicateKey: bytes.append(#""user_id":0"#)
    case .genresNumber: bytes.append(#""genres":[1,2]"#)
    case .genreTooLong:
      bytes.append(#""genres":["a genre of which nobody has ever heard before"]"#)
    case .sessionTooLong:
      bytes.append(#""session_id":""#)
      for _ in 0..<200 { bytes.append(UInt8(ascii: "s")) }
      bytes.append(#"""#)
    case .notUTF8:
      bytes.append(#""session_id":""#)
      bytes.append(0xFF)
      bytes.append(0xFE)
      bytes.append(#"""#)
    default: break
    }
  }
}
