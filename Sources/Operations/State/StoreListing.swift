import LMDBStore
import StateStore
import Streams

/// A store in the list. What can't be read of it is absent.
package struct StoreListing: Encodable {
  package var stage: String
  package var partition: Int32
  package var entries: Int?
  package var fileBytes: Int?
  package var inputOffset: Int64?
  package var changelogOffset: Int64?
  package var condition: String
  /// Why it can't be read.
  package var problem: String?

  package init(_ place: StorePlace) throws {
    stage = place.stage
    partition = place.partition
    condition =
      try place.storage.condition(stage: place.stage, partition: place.partition).rawValue
    do throws(StoreError) {
      let reader = try place.open()
      let statistics = try reader.statistics()
      let snapshot = try reader.snapshot()
      entries = statistics.entries.reduce(0) { $0 + $1.count }
      fileBytes = statistics.fileBytes
      changelogOffset = try snapshot.changelogOffset()
      do throws(StageError) { inputOffset = try snapshot.inputOffset() } catch {
        problem = "\(error)"
      }
    } catch {
      problem = error.message
    }
  }
}
