import ArgumentParser
import LMDBStore
import Operations
import Pipeline

/// Which stores a command looks at.
struct StateOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp("Only the stores of this stage: user or movie.", valueName: "stage"),
    transform: StateOptions.stage)
  var stage: StageName?

  @Option(help: ArgumentHelp("Only the store of this partition.", valueName: "number"))
  var partition: Int32?

  func validate() throws {
    if let partition, partition < 0 { throw ValidationError("--partition must be 0 or more.") }
  }

  static func stage(_ text: String) throws -> StageName {
    guard let stage = StageName(rawValue: text), StoreSchema(stage) != nil else {
      throw ValidationError("--stage \(text): the stages with state are user and movie.")
    }
    return stage
  }

  /// The stores there are, of those asked for.
  ///
  /// - Throws: `CommandFailure` when there is none.
  func places(in storage: LMDBStorage) throws -> [StorePlace] {
    try StorePlace.all(in: storage, stage: stage, partition: partition)
  }
}
