import Pipeline
import Ratings
import Simulation

/// Which settings each instance judges by: they may change whenever it starts, and differ from the
/// others'.
// Only who has the scheduler's baton touches it.
final class SettingsChoice: @unchecked Sendable {
  private static let policies = [IntakePolicy(), IntakePolicy(accepts: [])]

  private var random: SeededGenerator
  private let forgets: Bool
  private var policies: [String: IntakePolicy] = [:]

  /// - Parameter forgets: whether events that are read again are judged by the present settings.
  init(_ random: SeededGenerator, forgets: Bool) {
    self.random = random
    self.forgets = forgets
  }

  /// An instance starts.
  func change(of instance: String) {
    policies[instance] = Self.policies.randomElement(using: &random)
  }

  func environment(of instance: String) -> IntakeEnvironment {
    var environment = IntakeEnvironment(policy: policies[instance] ?? IntakePolicy())
    environment.forgetsPolicies = forgets
    return environment
  }
}
