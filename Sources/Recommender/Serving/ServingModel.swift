/// A model in use: shared between threads, never copied, and compared by identity.
public final class ServingModel: Sendable {
  public let factors: FactorModel

  public var version: String { factors.version }

  public init(_ factors: FactorModel) {
    self.factors = factors
  }
}
