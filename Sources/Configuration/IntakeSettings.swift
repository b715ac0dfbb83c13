import Codecs
package import Ratings

extension Settings {
  package struct Intake: Hashable, Sendable {
    package var accepts = CoercionSet.all
    package var timeZone = "UTC"
  }

  /// The settings new events are judged by.
  package var intakePolicy: IntakePolicy {
    IntakePolicy(accepts: intake.accepts, timeZone: intake.timeZone)
  }

  /// The settings files are judged by before their events are sent.
  package var zonedPolicy: ZonedPolicy {
    ZonedPolicy(intakePolicy, zone: TimeZones.offsets(named: intake.timeZone) ?? .utc)
  }
}

extension SettingKey {
  static let intake: [SettingKey] = [
    SettingKey(
      "intake.accept", \.intake.accepts, .coercions,
      "Which deviations from the plain form of an event are accepted. They are read as what they"
        + " mean, and the verdict names them. Features.md explains each name."),
    SettingKey(
      "intake.time_zone", \.intake.timeZone, .timeZone,
      "The time zone of times that name none, daylight saving included."),
  ]
}

extension SettingType<CoercionSet> {
  /// `all`, `none`, or names.
  static let coercions = SettingType(
    expected: "all, none, or a list of \(names.joined(separator: ", "))",
    parseRaw: { raw in
      switch elements(of: raw) {
      case ["all"]: return .all
      case ["none"], []: return []
      case let elements:
        let coercions = elements.compactMap(Coercion.init(name:))
        return coercions.count == elements.count ? CoercionSet(coercions) : nil
      }
    },
    formatRaw: { coercions in
      if coercions == .all { return .text("all") }
      return coercions.isEmpty ? .text("none") : .list(coercions.names)
    },
    hint: { raw in
      guard let wrong = elements(of: raw).first(where: { Coercion(name: $0) == nil }) else {
        return nil
      }
      return nearestName(to: wrong, among: names).map { "did you mean \($0)?" }
    })

  private static var names: [String] { Coercion.allCases.map(\.name.description) }

  private static func elements(of raw: RawSetting) -> [String] {
    raw.joined.split(separator: ",").map { String($0.filter { $0 != " " }) }
  }
}

extension SettingType<String> {
  /// A name of the time zone database.
  static let timeZone = SettingType(
    expected: "a name of the IANA time zone database, such as Europe/Berlin",
    parseRaw: { raw in
      guard case .text(let name) = raw, TimeZones.isKnown(name) else { return nil }
      return name
    },
    formatRaw: { .text($0) },
    hint: { raw in "the nearest known one is \(TimeZones.nearest(to: raw.joined))" })
}
