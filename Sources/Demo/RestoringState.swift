/// How far a stage of the daemon is with restoring its state, as its log tells in text.
struct RestoringState: Hashable {
  var changelog: String
  var percent = 0
  var recordsPerSecond: Int?
  var secondsLeft: Int?

  /// The restores under way, by changelog.
  static func all(in log: String) -> [RestoringState] {
    var restores: [String: RestoringState] = [:]
    for line in log.split(separator: "\n") {
      let begins = line.contains(" restoring state ")
      guard begins || line.contains(" state restored ") else { continue }
      let fields = fields(of: line)
      guard let changelog = fields["changelog"] else { continue }
      restores[changelog] =
        begins
        ? RestoringState(
          changelog: changelog, percent: fields["percent"].flatMap { Int($0) } ?? 0,
          recordsPerSecond: fields["records_per_second"].flatMap { Int($0) },
          secondsLeft: fields["seconds_left"].flatMap { Int($0) }) : nil
    }
    return restores.values.sorted { $0.changelog < $1.changelog }
  }

  private static func fields(of line: Substring) -> [String: String] {
    var fields: [String: String] = [:]
    for word in line.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
    }
    return fields
  }
}
