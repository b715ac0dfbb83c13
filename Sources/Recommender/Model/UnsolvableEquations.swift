/// The equations of training have no solution: the numbers are too large for single precision, or
/// the regularization is too small for them.
public struct UnsolvableEquations: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String {
    "the equations have no solution in single precision: increase the regularization"
  }
}
