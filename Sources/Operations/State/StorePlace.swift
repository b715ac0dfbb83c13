import Console
package import LMDBStore
import Pipeline
package import Ratings
package import StateStore
package import Streams

/// Where a store is, and what it holds.
package struct StorePlace: Sendable {
  package let storage: LMDBStorage
  let schema: StoreSchema
  package let partition: Int32

  package var stage: String { schema.stage.name }
  package var description: String { "\(stage)[\(partition)]" }

  /// The stores there are, all or those of one stage or partition.
  ///
  /// - Throws: `CommandFailure` when there is none.
  package static func all(
    in storage: LMDBStorage, stage: StageDeclaration? = nil, partition: Int32? = nil,
    advice: String? = nil
  ) throws -> [StorePlace] {
    let stages = stage.map { [$0] } ?? Topology.product.filter(\.isStateful)
    var places: [StorePlace] = []
    for stage in stages {
      guard let schema = StoreSchema(stage) else { continue }
      for number in try storage.partitions(stage: stage.name)
      where partition.map({ $0 == number }) ?? true {
        places.append(StorePlace(storage: storage, schema: schema, partition: number))
      }
    }
    guard places.isEmpty else { return places }
    let wanted = [
      stage.map { " of stage \($0.name)" }, partition.map { " of partition \($0)" },
    ]
    throw CommandFailure(
      .failure,
      "there is no store\(wanted.compactMap(\.self).joined()) in \(storage.root): "
        + (advice ?? "run the daemon on this machine first, or name its directory with "
          + "--set state.directory=… and its application and prefix with --set application=… and "
          + "--set topics.prefix=…"))
  }

  /// The store's directory.
  var path: String { storage.path(stage, partition) }

  /// Whether a daemon has it open, or was killed while it had.
  var isInUse: Bool {
    get throws(StoreError) {
      try storage.condition(stage: stage, partition: partition) == .open
    }
  }

  package func open() throws(StoreError) -> LMDBReader {
    try storage.openReadOnly(stage: stage, partition: partition)
  }

  /// The names of the genre numbers in the store's values; empty for a store that has none.
  package func genres(in snapshot: LMDBSnapshot) throws -> GenreDictionary {
    guard schema.stage == .user else { return GenreDictionary() }
    let key = UserTables.genresKey
    let stored = try snapshot.get(UserTables.genres, key.span.bytes) { value -> [UInt8]? in
      if let value { value.withUnsafeBytes { [UInt8]($0) } } else { nil }
    }
    // One that can't be read leaves numbers in the place of names.
    return stored.flatMap { try? GenreDictionary(decoding: $0.span.bytes) } ?? GenreDictionary()
  }
}
