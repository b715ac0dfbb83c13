import Glibc
import Testing

@testable import RedisProjection

/// The real Feast SDK reads what these tests write. Runs if `FEAST_PYTHON` names a Python that has
/// it.
@Suite(.enabled(if: getenv("FEAST_PYTHON") != nil, "FEAST_PYTHON is not set"))
struct FeastRoundtripTests {
  @Test(arguments: FeastKey.Version.allCases)
  func feastReadsWhatWasWritten(version: FeastKey.Version) throws {
    let server = try RedisServer()
    let view = FeastView(
      "user_stats",
      features: [
        "rating_count", "rating_mean", "rating_std", "days_active", "favourite_genre", "is_active",
      ])
    let rows: [(Int64, [FeastValue])] = [
      (
        42,
        [
          .int64(17), .double(3.5), .float(0.25), .int32(-1), .string("Children's \u{e9}"),
          .bool(true),
        ]
      ),
      (7, [.int64(0), .double(0), .float(0), .int32(0), .string(""), .bool(false)]),
    ]
    let key = FeastKey(project: "movies", joinKeys: ["user_id"], version: version)
    var batch = FeatureBatch(views: [view])
    for (user, values) in rows {
      var bytes: [UInt8] = []
      key.append(user, to: &bytes)
      batch.put(
        view: 0, key: bytes.span.bytes, fence: Fence(generation: 1, offset: 1),
        eventTime: 1_700_000_000_250)
      for value in values { batch.append(value) }
    }
    let permit = try server.makePermit()
    #expect(
      try FeatureWriter(server.configuration).write(batch, by: permit) == .init(written: 2))
    #expect(try run(["\(server.port)", "\(version.rawValue)"]) == 0)
  }

  /// Runs the script, and returns its exit status.
  private func run(_ arguments: [String]) throws -> Int32 {
    let python = String(cString: try #require(getenv("FEAST_PYTHON")))
    let tests = try #require(#filePath.lastRange(of: "RedisProjectionTests/"))
    let script = #filePath[..<tests] + "Feast/feast_roundtrip.py"
    let words = [python, String(script)] + arguments
    let pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var process: pid_t = 0
    var status: Int32 = 0
    try #require(posix_spawn(&process, python, nil, nil, pointers, environ) == 0)
    try #require(waitpid(process, &status, 0) == process)
    return status
  }
}

extension String {
  /// Where the last occurrence of `text` begins.
  fileprivate func lastRange(of text: String) -> String.Index? {
    indices.last { self[$0...].hasPrefix(text) }
  }
}
