import Foundation
package import Ratings
package import RedisProjection

/// A feature's value as commands show it: in JSON a number, a text or true and false; times are ISO
/// 8601.
package enum ShownFeature: Encodable, Hashable, CustomStringConvertible {
  case integer(Int64)
  case decimal(Double)
  case text(String)
  case flag(Bool)

  /// `nil` for a text that is absent.
  package init?(_ value: FeatureValue) {
    switch value {
    case .int64(let value): self = .integer(value)
    case .double(let value): self = .decimal(value)
    case .string(let value):
      guard let value else { return nil }
      self = .text(value)
    case .unixTimestamp(let milliseconds): self = .time(seconds: milliseconds / 1000)
    }
  }

  package init(_ value: FeastValue) {
    self =
      switch value {
      case .int64(let value): .integer(value)
      case .int32(let value): .integer(Int64(value))
      case .double(let value): .decimal(value)
      case .float(let value): .decimal(Double(value))
      case .string(let value): .text(value)
      case .bool(let value): .flag(value)
      case .bytes(let value): .text(value.map { String(format: "%02x", $0) }.joined())
      case .unixTimestamp(let seconds): .time(seconds: seconds)
      }
  }

  private static func time(seconds: Int64) -> ShownFeature {
    .text(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601))
  }

  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .integer(let number): try value.encode(number)
    // JSON has no NaN and no infinity.
    case .decimal(let number) where number.isFinite: try value.encode(number)
    case .decimal(let number): try value.encode("\(number)")
    case .text(let text): try value.encode(text)
    case .flag(let flag): try value.encode(flag)
    }
  }

  package var description: String {
    switch self {
    case .integer(let number): "\(number)"
    case .decimal(let number): "\(number)"
    case .text(let text): text
    case .flag(let flag): "\(flag)"
    }
  }
}
