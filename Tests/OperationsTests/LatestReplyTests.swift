import Codecs
import Recommender
import TestSupport
import Testing

@testable import Operations

@Suite struct LatestReplyTests {
  private static func error(of user: Int64) -> [UInt8] {
    var writer = JSONWriter()
    RequestError(code: "unknown_model", message: "No.", user: user).write(to: &writer)
    return writer.copyBytes()
  }

  @Test func theLatestRequestsReplyIsFound() {
    let values: [(partition: Int32, [UInt8])] = [
      (0, encodedReply { $0.moment = 5 }),
      (1, encodedReply { $0.moment = 9 }),
      (0, encodedReply { $0.moment = 8 }),
      (2, encodedReply { $0.request.user = 8 }),
      (1, Self.error(of: 7)), (1, []), (1, Array("{".utf8)), (1, Array("[1]".utf8)),
    ]
    func found(_ user: Int64) -> [Int64]? {
      var search = LatestReply(user: user)
      for (offset, value) in values.enumerated() {
        search.take(value.1.span.bytes, partition: value.partition, offset: Int64(offset))
      }
      return search.found.map { [Int64($0.partition), $0.offset] }
    }
    #expect(found(7) == [1, 1])
    #expect(found(8) == [2, 3])
    #expect(found(9) == nil)
  }

  @Test func ofEquallyLateOnesTheLastCounts() {
    var search = LatestReply(user: 7)
    for offset in 0..<3 as Range<Int64> {
      let value = encodedReply()
      search.take(value.span.bytes, partition: 0, offset: offset)
    }
    #expect(search.found?.offset == 2)
  }
}
