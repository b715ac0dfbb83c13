package import Console

/// What one check found.
package struct CheckFinding: Encodable, CustomStringConvertible {
  package var name: String
  package var ok: Bool
  /// Whether it passes, and may cost something later.
  package var isWarning = false
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

  package init(_ name: String, warning detail: String, advice: String) {
    self.init(name, ok: detail)
    isWarning = true
    self.advice = advice
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
    case isWarning = "warning"
  }

  package var description: String {
    let padding = String(repeating: " ", count: max(0, 14 - name.count))
    let advice = advice.map { "\n        → \($0)" } ?? ""
    let verdict = isWarning ? "warn  " : ok ? "ok    " : "failed"
    return "\(verdict)  \(name)\(padding)  \(detail)\(advice)"
  }
}
