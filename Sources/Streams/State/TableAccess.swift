public import EventLog
public import StateStore

/// How a table reaches its partition's store and changelog.
///
/// Closures, so that tables are generic over keys and values only. Operators aren't specialised for
/// their store; a table with the store among its types wouldn't be either. A row that the batch
/// already has needs no call.
@usableFromInline
struct TableAccess {
  @usableFromInline typealias Get = (_ key: RawSpan, _ body: (RawSpan?) -> Void) throws(StageError)
    -> Void
  @usableFromInline typealias Scan =
    (_ prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool) throws(StageError)
    -> Void
  @usableFromInline typealias Put = (_ key: RawSpan, _ value: RawSpan?) throws(StageError) -> Void

  @usableFromInline let source: TopicPartition
  @usableFromInline let get: Get
  @usableFromInline let scan: Scan
  @usableFromInline let put: Put

  @usableFromInline
  init<Store, Producer>(_ table: Table, of task: PartitionTask<Store, Producer>) {
    source = task.source
    get = { key, body throws(StageError) in try task.get(table, key, body) }
    scan = { prefix, body throws(StageError) in try task.scan(table, prefix: prefix, body) }
    put = { key, value throws(StageError) in try task.put(table, key, value) }
  }
}
