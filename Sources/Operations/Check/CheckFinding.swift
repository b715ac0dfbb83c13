package import Console

/// What one check found.
package struct CheckFinding: Encodable, CustomStringConvertible {
  package var name: String
  package var ok: Bool
  var detail: String
  /// What to do about a failure.
  package var advice: String?
  /// What the process exits with for it.
  package var status: ExitStatus

  package init(_ name: String, ok detail: String) {
    self.name = name
    ok = true
    self.detail = detail
    status = .success
  }

  package init(_ name: String, failed status: ExitStatus, _ detail: String, advice: String) {
    self.name = name
    ok = false
    self.detail = detail
    self.advice = advice
    self.status = status
  }

  private enum CodingKeys: String, CodingKey {
    case name, ok, detail, advice
  }

  package var description: String {
    let padding = String(repeating: " ", count: max(0, 14 - name.count))
    let advice = advice.map { "\n        → \($0)" } ?? ""
    return "\(ok ? "ok    " : "failed")  \(name)\(padding)  \(detail)\(advice)"
  }
}
