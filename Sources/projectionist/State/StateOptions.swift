import ArgumentParser
import LMDBStore
import Operations
import Pipeline
import Streams

/// Which stores a command looks at.
struct StateOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "Only the stores of this stage: \(StateOptions.names(" or ")).", valueName: "stage"),
    transform: StateOptions.stage)
  var stage: StageDeclaration?

  @Option(help: ArgumentHelp("Only the store of this partition.", valueName: "number"))
  var partition: Int32?

  func validate() throws {
    if let partition, partition < 0 { throw ValidationError("--partition must be 0 or more.") }
  }

  /// The stages with state.
  private static let stateful = Topology.product.filter(\.isStateful)

  private static func names(_ separator: String) -> String {
    stateful.map(\.name).joined(separator: separator)
  }

  static func stage(_ text: String) throws -> StageDeclaration {
    guard let stage = stateful.first(where: { $0.name == text }) else {
      throw ValidationError("--stage \(text): the stages with state are \(names(" and ")).")
    }
    return stage
  }

  /// The stores there are, of those asked for.
  ///
  /// - Throws: `CommandFailure` when there is none.
  /// - Parameter advice: what to do where there is none, unless the storage is this application's.
  func places(in storage: LMDBStorage, advice: String? = nil) throws -> [StorePlace] {
    try StorePlace.all(in: storage, stage: stage, partition: partition, advice: advice)
  }
}
