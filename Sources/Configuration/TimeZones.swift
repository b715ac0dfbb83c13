import Codecs
import Foundation
package import Ratings

/// The system's time zones as tables.
package enum TimeZones {
  /// 1970 to 2100. Before and after, the first and the last offset hold.
  private static let first = 0
  private static let last = 4_102_444_800

  static func isKnown(_ name: String) -> Bool {
    name == "UTC" || known.contains(name)
      || (name.contains("/") && TimeZone(identifier: name) != nil)
  }

  private static let known = Set(TimeZone.knownTimeZoneIdentifiers)

  /// The known name that a wrong one most likely means: one of the same city, or the one that takes
  /// the fewest edits.
  static func nearest(to name: String) -> String {
    let wanted = foldedName(name)
    let names = known.sorted() + ["UTC"]
    let sameCity = names.filter {
      foldedName(String($0.split(separator: "/").last ?? "")) == wanted
    }
    return (sameCity.isEmpty ? names : sameCity).min {
      editDistance(foldedName($0), wanted) < editDistance(foldedName($1), wanted)
    } ?? "UTC"
  }

  /// The offsets of a zone by its IANA name; `nil` for an unknown one.
  package static func offsets(named name: String) -> ZoneOffsets? {
    if name == "UTC" { return .utc }
    guard isKnown(name), let zone = TimeZone(identifier: name) else { return nil }
    func offset(_ second: Int) -> Int {
      zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(second)))
    }
    let day = 86_400
    var changes: [ZoneOffsets.Change] = []
    let initial = offset(first)
    var before = initial
    // Day by day: no zone has changed its clocks twice within one.
    for start in stride(from: first, to: last, by: day) {
      let after = offset(start + day)
      guard after != before else { continue }
      var low = start
      var high = start + day
      while high - low > 1 {
        let middle = (low + high) / 2
        if offset(middle) == before { low = middle } else { high = middle }
      }
      changes.append(
        ZoneOffsets.Change(
          milliseconds: Int64(high) * 1000, offsetMilliseconds: Int64(after) * 1000))
      before = after
    }
    return ZoneOffsets(offsetMilliseconds: Int64(initial) * 1000, changes: changes)
  }
}
