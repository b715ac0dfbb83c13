package import Codecs

/// What a user did.
public enum EventType: UInt8, Sendable, CaseIterable {
  case rating
  case view
  case click
  case search

  /// The value of `event_type` in JSON.
  public var name: StaticString {
    switch self {
    case .rating: "rating"
    case .view: "view"
    case .click: "click"
    case .search: "search"
    }
  }

  init?(name: RawSpan) {
    for type in Self.allCases where name.equals(type.name) {
      self = type
      return
    }
    return nil
  }
}

extension EventType {
  init?(lowercased name: String) {
    guard let known = Self.allCases.first(where: { $0.name.description == name }) else {
      return nil
    }
    self = known
  }
}

/// A rating in half stars: 1 is half a star, 10 is five stars.
public struct HalfStars: RawRepresentable, Hashable, Sendable, Comparable {
  public let rawValue: UInt8

  /// - Returns: `nil` outside 1...10.
  public init?(rawValue: UInt8) {
    guard (1...10).contains(rawValue) else { return nil }
    self.rawValue = rawValue
  }

  /// - Returns: `nil` unless `stars` is one of 0.5, 1.0, … 5.0.
  public init?(stars: Double) {
    guard let doubled = UInt8(exactly: stars * 2) else { return nil }
    self.init(rawValue: doubled)
  }

  /// The rating in stars, 0.5 to 5.0.
  public var stars: Double { Double(rawValue) / 2 }

  /// The index of the rating's bucket in a histogram of ten.
  var bucket: Int { Int(rawValue) - 1 }

  public static func < (a: HalfStars, b: HalfStars) -> Bool { a.rawValue < b.rawValue }
}

/// Where in `user-ratings` an event was read. Identifies the event forever.
public struct SourceCoordinates: Hashable, Sendable {
  public var partition: Int32
  public var offset: Int64

  public init(partition: Int32, offset: Int64) {
    self.partition = partition
    self.offset = offset
  }
}

/// A valid event of `user-ratings`.
public struct RatingEvent: Hashable, Sendable {
  public var user: Int64
  /// `nil` only for a search.
  public var movie: Int64?
  /// `nil` in an event of type `rating` takes the user's rating of the movie back.
  public var rating: HalfStars?
  /// Event time, since 1970 (UTC).
  public var timeMilliseconds: Int64
  public var type: EventType
  /// The genres that the event itself names, in its order; usually none.
  public var genres: [String]
  public var sessionID: String?
  public var source: SourceCoordinates
  /// The record's own time in `user-ratings`; -1 if it has none.
  public var recordTimeMilliseconds: Int64
  /// The event that a take-back names.
  public var retracts: SourceCoordinates?

  public init(
    user: Int64, movie: Int64?, rating: HalfStars?, timeMilliseconds: Int64,
    type: EventType = .rating, genres: [String] = [], sessionID: String? = nil,
    source: SourceCoordinates, recordTimeMilliseconds: Int64 = -1,
    retracts: SourceCoordinates? = nil
  ) {
    self.user = user
    self.movie = movie
    self.rating = rating
    self.timeMilliseconds = timeMilliseconds
    self.type = type
    self.genres = genres
    self.sessionID = sessionID
    self.source = source
    self.recordTimeMilliseconds = max(-1, recordTimeMilliseconds)
    self.retracts = retracts
  }
}

extension SourceCoordinates {
  /// Reads `PARTITION:OFFSET`, as in `3:1207`.
  ///
  /// - Returns: `nil` for anything else.
  init?(text: RawSpan) {
    var numbers: [Int64?] = []
    let count = text.forEachPart(separator: UInt8(ascii: ":"), limit: 2) { part in
      numbers.append(Self.number(part))
    }
    guard count == 2, let partition = numbers[0].flatMap({ Int32(exactly: $0) }),
      let offset = numbers[1]
    else { return nil }
    self.init(partition: partition, offset: offset)
  }

  private static func number(_ text: RawSpan) -> Int64? {
    guard text.byteCount > 0 else { return nil }
    var number: Int64 = 0
    for index in 0..<text.byteCount {
      let digit = text.unsafeLoad(fromByteOffset: index, as: UInt8.self) &- UInt8(ascii: "0")
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = tens.addingReportingOverflow(Int64(digit))
      guard digit < 10, !isTooLarge, !overflows else { return nil }
      number = sum
    }
    return number
  }

  /// `PARTITION:OFFSET`.
  public var text: String { "\(partition):\(offset)" }
}

extension JSONWriter {
  /// Writes a rating in stars, such as 4.5, or null.
  package mutating func stars(_ rating: HalfStars?) {
    switch rating?.rawValue {
    case 1: raw("0.5")
    case 2: raw("1.0")
    case 3: raw("1.5")
    case 4: raw("2.0")
    case 5: raw("2.5")
    case 6: raw("3.0")
    case 7: raw("3.5")
    case 8: raw("4.0")
    case 9: raw("4.5")
    case 10: raw("5.0")
    default: null()
    }
  }
}
