import Dispatch
import Glibc
import StateStore
import Synchronization

@testable import LMDBStore

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same test.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func bytes(_ count: ClosedRange<Int>, below bound: UInt8 = .max) -> [UInt8] {
    (0..<Int.random(in: count, using: &self)).map { _ in UInt8.random(in: 0..<bound, using: &self) }
  }
}

/// A new directory, deleted with its content at the end.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/store-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LMDBFailure.system("create", "/tmp") }
    path = template.withUnsafeBufferPointer { buffer in
      String(decoding: buffer.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }

  deinit {
    Self.removeTree(path)
  }

  private static func removeTree(_ path: String) {
    for name in (try? FileSystem.names(in: path)) ?? [] { removeTree("\(path)/\(name)") }
    remove(path)
  }
}

/// A table's whole content, or that under a prefix, in key order.
struct Entry: Hashable {
  var key: [UInt8]
  var value: [UInt8]
}

extension LMDBSnapshot {
  func entries(_ table: Table, prefix: [UInt8] = []) throws -> [Entry] {
    var entries: [Entry] = []
    try scan(table, prefix: prefix.span.bytes) { key, value in
      entries.append(
        Entry(
          key: key.withUnsafeBytes { [UInt8]($0) }, value: value.withUnsafeBytes { [UInt8]($0) }))
      return true
    }
    return entries
  }

  func value(_ table: Table, _ key: [UInt8]) throws -> [UInt8]? {
    try get(table, key.span.bytes) { (value) -> [UInt8]? in
      value?.withUnsafeBytes { [UInt8]($0) }
    }
  }
}

extension WriteSet {
  mutating func put(_ table: Table, _ key: [UInt8], _ value: [UInt8]) {
    set(table, key.span.bytes, value.span.bytes)
  }

  mutating func delete(_ table: Table, _ key: [UInt8]) {
    set(table, key.span.bytes, nil)
  }
}

extension LMDBStore {
  func commit(offset: Int64, _ fill: (inout WriteSet) -> Void) throws {
    var writes = WriteSet()
    fill(&writes)
    try commit(&writes, changelogOffset: offset)
  }
}

let users = Table(rawValue: 1)
let ratings = Table(rawValue: 2)
let tables = ["users", "ratings"]

func isBefore(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.lexicographicallyPrecedes(b) }

/// Runs `body` while another thread makes one commit after another.
///
/// - Parameters:
///   - first: the first commit's number.
///   - least: the least number of commits.
/// - Throws: the error of `body` or of a commit.
func whileCommitting(
  from first: Int64, least: Int64 = 0, commit: @escaping @Sendable (Int64) throws -> Void,
  _ body: () throws -> Void
) throws {
  let isDone = Atomic(false)
  let failure = Mutex<(any Error)?>(nil)
  let group = DispatchGroup()
  DispatchQueue.global().async(group: group) {
    var number = first
    do {
      while !isDone.load(ordering: .acquiring) || number < first + least {
        try commit(number)
        number += 1
      }
    } catch { failure.withLock { $0 = error } }
  }
  defer { group.wait() }
  do {
    defer { isDone.store(true, ordering: .releasing) }
    try body()
  }
  group.wait()
  if let error = failure.withLock({ $0 }) { throw error }
}
