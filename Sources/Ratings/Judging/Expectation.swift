/// A rule that every event of `user-ratings` must meet.
///
/// Names follow the vocabulary of Great Expectations, with the column after a colon.
public enum Expectation: UInt8, Sendable, CaseIterable {
  case valueNotNull
  case valueIsObject
  case userKeyUnique
  case movieKeyUnique
  case ratingKeyUnique
  case timestampKeyUnique
  case eventTypeKeyUnique
  case genresKeyUnique
  case sessionKeyUnique
  case retractsKeyUnique
  case userNotNull
  case movieNotNull
  case timestampNotNull
  case ratingExists
  case userOfType
  case movieOfType
  case ratingOfType
  case timestampOfType
  case eventTypeOfType
  case genresOfType
  case sessionOfType
  case retractsOfType
  case userBetween
  case movieBetween
  case ratingBetween
  case ratingMultipleOfHalf
  case timestampParseable
  case timestampBetween
  case eventTypeInSet
  case genreCount
  case genreLengths
  case sessionLength
  case retractsMatch
  /// An event that names another one takes a rating back, and gives none.
  case ratingNull
  /// Checked by the user stage: the event does not repeat what stands.
  case ratingUnique
  /// Checked by the user stage: the event is newer than what stands.
  case ratingNewest
  /// Checked by the user stage: there is room for the event that a take-back names.
  case retractsCount

  /// The rule's stable name in verdicts, dead letters and metrics.
  public var name: StaticString {
    switch self {
    case .valueNotNull: "expect_value_to_not_be_null"
    case .valueIsObject: "expect_value_to_be_json_object"
    case .userKeyUnique: "expect_object_keys_to_be_unique:user_id"
    case .movieKeyUnique: "expect_object_keys_to_be_unique:movie_id"
    case .ratingKeyUnique: "expect_object_keys_to_be_unique:rating"
    case .timestampKeyUnique: "expect_object_keys_to_be_unique:timestamp"
    case .eventTypeKeyUnique: "expect_object_keys_to_be_unique:event_type"
    case .genresKeyUnique: "expect_object_keys_to_be_unique:genres"
    case .sessionKeyUnique: "expect_object_keys_to_be_unique:session_id"
    case .retractsKeyUnique: "expect_object_keys_to_be_unique:retracts"
    case .userNotNull: "expect_column_values_to_not_be_null:user_id"
    case .movieNotNull: "expect_column_values_to_not_be_null:movie_id"
    case .timestampNotNull: "expect_column_values_to_not_be_null:timestamp"
    case .ratingExists: "expect_column_to_exist:rating"
    case .userOfType: "expect_column_values_to_be_of_type:user_id"
    case .movieOfType: "expect_column_values_to_be_of_type:movie_id"
    case .ratingOfType: "expect_column_values_to_be_of_type:rating"
    case .timestampOfType: "expect_column_values_to_be_of_type:timestamp"
    case .eventTypeOfType: "expect_column_values_to_be_of_type:event_type"
    case .genresOfType: "expect_column_values_to_be_of_type:genres"
    case .sessionOfType: "expect_column_values_to_be_of_type:session_id"
    case .retractsOfType: "expect_column_values_to_be_of_type:retracts"
    case .userBetween: "expect_column_values_to_be_between:user_id"
    case .movieBetween: "expect_column_values_to_be_between:movie_id"
    case .ratingBetween: "expect_column_values_to_be_between:rating"
    case .ratingMultipleOfHalf: "expect_column_values_to_be_multiple_of:rating"
    case .timestampParseable: "expect_column_values_to_be_dateutil_parseable:timestamp"
    case .timestampBetween: "expect_column_values_to_be_between:timestamp"
    case .eventTypeInSet: "expect_column_values_to_be_in_set:event_type"
    case .genreCount: "expect_column_list_lengths_to_be_between:genres"
    case .genreLengths: "expect_column_value_lengths_to_be_between:genres"
    case .sessionLength: "expect_column_value_lengths_to_be_between:session_id"
    case .retractsMatch: "expect_column_values_to_match_regex:retracts"
    case .ratingNull: "expect_column_values_to_be_null:rating"
    case .ratingUnique:
      "expect_compound_columns_to_be_unique:user_id,movie_id,rating,timestamp"
    case .ratingNewest: "expect_column_values_to_be_increasing:timestamp"
    case .retractsCount: "expect_column_unique_value_count_to_be_between:retracts"
    }
  }
}

/// A set of rules in one word. Iterates in the order of their declaration.
public struct ExpectationSet: Hashable, Sendable, Sequence, ExpressibleByArrayLiteral {
  private var bits: UInt64 = 0

  public init() {}

  public init(arrayLiteral elements: Expectation...) {
    for element in elements { insert(element) }
  }

  public var isEmpty: Bool { bits == 0 }
  public var count: Int { bits.nonzeroBitCount }

  public func contains(_ expectation: Expectation) -> Bool {
    bits & (1 << UInt64(expectation.rawValue)) != 0
  }

  public mutating func insert(_ expectation: Expectation) {
    bits |= 1 << UInt64(expectation.rawValue)
  }

  public mutating func formUnion(_ other: ExpectationSet) {
    bits |= other.bits
  }

  public struct Iterator: IteratorProtocol {
    fileprivate var bits: UInt64

    public mutating func next() -> Expectation? {
      guard bits != 0 else { return nil }
      let lowest = UInt8(bits.trailingZeroBitCount)
      bits &= bits - 1
      return Expectation(rawValue: lowest)
    }
  }

  public func makeIterator() -> Iterator { Iterator(bits: bits) }

  /// The rules' names, separated by commas.
  public var joinedNames: String {
    map(\.name.description).joined(separator: ", ")
  }
}
