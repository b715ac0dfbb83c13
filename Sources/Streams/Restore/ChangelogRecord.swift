import EventLog
import StateStore

// A changelog record's key is the table's number, one byte, and then the key in that table; its
// value is the table's value, null for a deletion.

extension RecordView {
  /// Whether this record of a changelog is a position: the last record of each batch.
  var isPosition: Bool { isMeta(Position.key) }

  /// Whether this record of a changelog is its identity, which is part of no batch.
  var isIdentity: Bool { isMeta(ChangelogIdentity.key) }

  private func isMeta(_ name: [UInt8]) -> Bool {
    guard let key, key.byteCount == name.count + 1 else { return false }
    guard key.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == Table.meta.rawValue else {
      return false
    }
    return key.extracting(1..<key.byteCount).withUnsafeBytes { $0.elementsEqual(name) }
  }
}

extension WriteSet {
  /// Adds the change in a changelog record. An identity is none.
  mutating func addChange(_ record: borrowing RecordView) {
    guard let key = record.key, key.byteCount >= 1, !record.isIdentity else { return }
    let table = Table(rawValue: key.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
    set(table, key.extracting(1..<key.byteCount), record.value)
  }
}
