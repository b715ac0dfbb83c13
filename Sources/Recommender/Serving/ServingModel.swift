/// A model as it serves: shared between threads, never copied, and known by its identity.
public final class ServingModel: Sendable {
  public let factors: FactorModel

  public var version: String { factors.version }

  public init(_ factors: FactorModel) {
    self.factors = factors
  }
}
