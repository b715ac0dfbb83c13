/// Tells a process from others that have the same instance name, and who of them is newer.
///
/// The broker lists it at the end of the client id of a group's member.
public struct ProcessMark: Hashable, Comparable, Sendable {
  private let rawValue: UInt64

  private static let separator = ".p"
  /// Of the part that is drawn, below the time.
  private static let drawnBits = 16

  /// - Parameters:
  ///   - started: when the process has started, in milliseconds since 1970.
  ///   - drawn: tells processes apart that started at the same time.
  public init(started: Int64, drawn: UInt16) {
    rawValue = UInt64(clamping: started) << UInt64(Self.drawnBits) | UInt64(drawn)
  }

  /// The mark of a member with one of these names; `nil` for a client id that has none. A process
  /// that put none there is older than any that does.
  public init?(clientID: String, member: String) {
    if clientID == member {
      rawValue = 0
      return
    }
    let prefix = member + Self.separator
    guard clientID.hasPrefix(prefix),
      let rawValue = UInt64(clientID.dropFirst(prefix.count), radix: 16)
    else { return nil }
    self.rawValue = rawValue
  }

  /// A member's client id with this mark.
  public func clientID(of member: String) -> String {
    member + Self.separator + String(rawValue, radix: 16)
  }

  public static func < (a: ProcessMark, b: ProcessMark) -> Bool { a.rawValue < b.rawValue }
}
