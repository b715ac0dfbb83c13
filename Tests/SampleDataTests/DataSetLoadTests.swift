import DataFiles
import TestSupport
import Testing

@testable import SampleData

@Suite struct DataSetLoadTests {
  /// Keeps what is sent, as text.
  private final class Received: Destination {
    var records: [DataTopic: [String]] = [:]
    var keys: [String?] = []

    func send(_ topic: DataTopic, key: RawSpan?, value: RawSpan?) throws {
      if let value { records[topic, default: []].append(Self.text(value)) }
      guard topic == .ratings else { return }
      if let key { keys.append(Self.text(key)) } else { keys.append(nil) }
    }

    func flush() throws {}

    private static func text(_ bytes: RawSpan) -> String {
      bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  private static let ratings =
    "userId,movieId,rating,timestamp\n1,2,3.5,1260759144\n1,3,0,1260759144\n7,3,4,1260759145.5\n"
  private static let movies = "movieId,title,genres\n2,Heat,Crime\nx,Y,Z\n"

  private func load(_ load: DataSetLoad) throws -> (DataSummary, Received) {
    let received = Received()
    return (try load.load(try load.judge(), to: received), received)
  }

  @Test func whatIsValidIsSent() throws {
    let tree = try FileTree(texts: ["ratings.csv": Self.ratings, "movies.csv": Self.movies])
    let (summary, received) = try load(DataSetLoad(try DataSet(path: tree.path)))
    #expect(
      received.records[.ratings] == [
        #"{"user_id":1,"movie_id":2,"rating":3.5,"timestamp":1260759144}"#,
        #"{"user_id":7,"movie_id":3,"rating":4.0,"timestamp":1260759145.5}"#,
      ])
    #expect(received.keys == ["1", "7"])
    #expect(received.records[.movies] == [#"{"movie_id":2,"title":"Heat","genres":"Crime"}"#])
    #expect(summary.ratings == 2 && summary.movies == 1 && summary.skipped == 2)
  }

  @Test func theLimitCountsWhatIsSent() throws {
    let tree = try FileTree(texts: ["r.csv": Self.ratings])
    let files = try DataSet(path: "\(tree.path)/r.csv")
    let (summary, received) = try load(DataSetLoad(files, key: .none, limit: 1))
    #expect(summary.ratings == 1 && summary.skipped == 0 && received.keys == [nil])
    #expect(try load(DataSetLoad(files, limit: 2)).0.skipped == 1)
    #expect(try load(DataSetLoad(files, limit: 0)).0.ratings == 0)
  }

  @Test func aFileThatChangesMeanwhileIsAnError() throws {
    let tree = try FileTree(texts: ["r.csv": Self.ratings])
    let load = DataSetLoad(try DataSet(path: "\(tree.path)/r.csv"))
    var report = try load.judge()
    report.ratings.valid += 1
    #expect(throws: DataFileError.self) { try load.load(report, to: Received()) }
  }

  @Test func loadingEndsAtTheLimitOrTheFilesEnd() {
    #expect(DataSetLoad.fraction(10, of: .max, read: 0.5) == 0.5)
    #expect(DataSetLoad.fraction(10, of: 20, read: 0.1) == 0.5)
    #expect(DataSetLoad.fraction(10, of: 100, read: 1) == 1)
    #expect(DataSetLoad.fraction(0, of: 0, read: 0) == 0)
  }
}
