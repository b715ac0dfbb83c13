import Foundation
import LMDBStore
import Pipeline
import StateStore
import Streams
import Testing

@testable import Console
@testable import Operations
@testable import Processes

@Suite struct StateTests {
  private let directory: TemporaryDirectory
  private let storage: LMDBStorage

  init() throws {
    directory = try TemporaryDirectory("state-test")
    storage = LMDBStorage(root: directory.file("state"))
  }

  private func write(partition: Int32) throws {
    let store = try storage.open(
      stage: "user", partition: partition, tables: StageDeclaration.user.tableNames)
    var writes = WriteSet()
    let key = StoreKey(42)
    let value = SourcePosition(offset: 9, timestamp: 7).encoded
    writes.set(UserTables.sources, key.span, value.span.bytes)
    try store.commit(&writes, changelogOffset: 5)
    try store.close()
  }

  @Test func tablesAreFoundByName() throws {
    #expect(try TableChoice.find("ratings", stage: nil).stage == .user)
    #expect(try TableChoice.find("times", stage: nil).stage == .movie)
    #expect(try TableChoice.find("sources", stage: nil).stage == .user)
    #expect(try TableChoice.find("sources", stage: .movie).stage == .movie)
    let movie = try TableChoice.find("movie", stage: nil)
    #expect(movie.stage == .movie && movie.table.name == "aggregates")
    let error = #expect(throws: CommandFailure.self) { try TableChoice.find("ratngs", stage: nil) }
    #expect(error?.status == .usage)
    #expect(error?.message.contains("did you mean ratings?") == true)
    #expect(throws: CommandFailure.self) { try TableChoice.find("times", stage: .user) }
  }

  @Test func keysThatFitNoTableAreExplained() throws {
    let ratings = try TableChoice.find("ratings", stage: nil)
    let error = #expect(throws: CommandFailure.self) { try ratings.key("x") }
    #expect(error?.message == "x is not a valid key for ratings; example: 42/1196")
  }

  @Test func storesAreListedByStageAndPartition() throws {
    for partition in [0, 3] as [Int32] { try write(partition: partition) }
    #expect(try StorePlace.all(in: storage).map(\.description) == ["user[0]", "user[3]"])
    #expect(
      try StorePlace.all(in: storage, stage: .user, partition: 3).map(\.partition) == [3])
    let error = #expect(throws: CommandFailure.self) {
      try StorePlace.all(in: storage, stage: .movie)
    }
    #expect(error?.message.contains("no store of stage movie in \(storage.root)") == true)
  }

  @Test func storeThatCanNotBeReadIsStillListed() throws {
    try write(partition: 0)
    let place = try #require(try StorePlace.all(in: storage).first)
    let whole = try StoreListing(place)
    #expect(whole.entries == 1 && whole.changelogOffset == 5 && whole.condition == "closed")
    #expect(truncate("\(storage.root)/user/0/data.mdb", 4096) == 0)
    let damaged = try StoreListing(place)
    #expect(damaged.entries == nil && damaged.condition == "closed")
    #expect(damaged.problem?.contains(storage.root) == true)
  }

  @Test func entriesArePrintedWithTheirPlace() throws {
    try write(partition: 3)
    let place = try #require(try StorePlace.all(in: storage).first)
    let table = try #require(place.schema.table(named: "sources"))
    let snapshot = try place.open().snapshot()
    var output = EntryOutput(place, table, genres: try place.genres(in: snapshot))
    let key = try #require(table.key("42"))
    let value = SourcePosition(offset: 9, timestamp: 7).encoded
    let json = #"{"offset":9,"timestamp_ms":7}"#
    #expect(
      output.json(key.span.bytes, value.span.bytes)
        == #"{"stage":"user","partition":3,"table":"sources","key":"42","value":\#(json)}"#)
    #expect(output.value(value.span.bytes) == json)
  }

  @Test func copiesOfSomethingElseAreRefused() throws {
    try write(partition: 0)
    let place = try #require(try StorePlace.all(in: storage).first)
    let manifest = CopyManifest(
      application: "app", stage: "user", partition: 0, changelogOffset: 5, inputOffset: 4,
      formatVersion: LMDBStorage.formatVersion, clusterID: "c1",
      takenAt: Date(timeIntervalSince1970: 1_700_000_000))
    #expect(manifest.mismatch(place, application: "app", clusterID: "c1") == nil)
    #expect(manifest.mismatch(place, application: "app", clusterID: nil) == nil)
    #expect(
      manifest.mismatch(place, application: "b", clusterID: nil)?.contains("application") == true)
    #expect(
      manifest.mismatch(place, application: "app", clusterID: "c2")?.contains("cluster") == true)
    var other = manifest
    other.formatVersion = 99
    #expect(other.mismatch(place, application: "app", clusterID: nil)?.contains("99") == true)
    other = manifest
    other.partition = 1
    #expect(other.mismatch(place, application: "app", clusterID: nil)?.contains("user[1]") == true)
    try manifest.write(to: directory.path)
    #expect(try CopyManifest.read(directory.path) == manifest)
    #expect(throws: CommandFailure.self) { try CopyManifest.read(directory.file("nothing")) }
  }
}
