import EventLog
import StateStore

/// How a table reaches its partition's store and changelog.
///
/// Closures, so that tables are generic over keys and values alone: operators are not specialised
/// for their store, and a table that knew its store would not be either. They are called where the
/// store or the changelog is, never for a row that the batch has already.
struct TableAccess {
  typealias Get = (_ key: RawSpan, _ body: (RawSpan?) -> Void) throws(StageError) -> Void
  typealias Scan =
    (_ prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool) throws(StageError)
    -> Void
  typealias Put = (_ key: RawSpan, _ value: RawSpan?) throws(StageError) -> Void

  let source: TopicPartition
  let get: Get
  let scan: Scan
  let put: Put

  init<Store, Producer>(_ table: Table, of task: PartitionTask<Store, Producer>) {
    source = task.source
    get = { key, body throws(StageError) in try task.get(table, key, body) }
    scan = { prefix, body throws(StageError) in try task.scan(table, prefix: prefix, body) }
    put = { key, value throws(StageError) in try task.put(table, key, value) }
  }
}
