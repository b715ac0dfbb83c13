import Foundation

/// A condition did not come true in time.
package struct NotInTime: Error {}

/// Looks again and again until the condition holds.
///
/// - Throws: `NotInTime` after the deadline, and what the condition throws.
package func wait(
  _ deadline: Duration = .seconds(20), until condition: () throws -> Bool
) throws {
  let end = ContinuousClock.now + deadline
  while try !condition() {
    guard ContinuousClock.now < end else { throw NotInTime() }
    Thread.sleep(forTimeInterval: 0.001)
  }
}
