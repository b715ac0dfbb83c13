/// A place that breaks a rule, and what to do about it.
struct Finding: Hashable, CustomStringConvertible {
  var path: String
  /// Counted from 1.
  var line: Int
  var message: String

  var description: String { "\(path):\(line): \(message)" }
}

/// What every file must keep to.
protocol Rule {
  func findings(in file: SourceFile) -> [Finding]
}
