import CRdkafka
import EventLog
import Foundation
import Testing

@testable import KafkaLog

/// Which workarounds which version of librdkafka gets.
@Suite struct MendTests {
  private let old = LibraryVersion(2, 0, 2)
  private let new = LibraryVersion(2, 15, 0)

  @Test func versionsAreReadAndOrdered() {
    #expect(LibraryVersion(native: 0x0200_02ff) == old)
    // A candidate counts as its release.
    #expect(LibraryVersion(native: 0x020f_0001) == new)
    #expect(LibraryVersion(2, 9, 9) < LibraryVersion(2, 10, 0))
    #expect(LibraryVersion(1, 9, 9) < LibraryVersion(2, 0, 0))
    #expect(LibraryVersion.linked >= LibraryVersion(2, 0, 0))
    #expect("\(new)" == "2.15.0")
  }

  @Test func eachEndsWithTheVersionThatHasIt() {
    for mend in Mend.all {
      #expect(mend.isNeeded(by: old))
      guard let mendedIn = mend.mendedIn else {
        #expect(mend.isNeeded(by: new))
        continue
      }
      #expect(!mend.isNeeded(by: mendedIn))
      #expect(!mend.isNeeded(by: new))
    }
  }

  @Test func aPropertyReplacesTheNudge() {
    let configuration = ConsumerConfiguration(topics: [], group: nil, clientID: "reader")
    var nudge = FetchNudge(configuration, old)
    nudge.count(bytes: configuration.maxQueuedBytes)
    #expect(nudge.isDue)
    #expect(Mend.fetchQueueProperties(old).isEmpty)
    nudge = FetchNudge(configuration, new)
    nudge.count(bytes: configuration.maxQueuedBytes)
    #expect(!nudge.isDue)
    #expect(Mend.fetchQueueProperties(new).map(\.0) == ["fetch.queue.backoff.ms"])
  }

  @Test func onlyAnOldSeekTimesOutBeforeItsTime() {
    #expect(Mend.isPremature(seek: RD_KAFKA_RESP_ERR__TIMED_OUT, old))
    #expect(!Mend.isPremature(seek: RD_KAFKA_RESP_ERR__TIMED_OUT, new))
    #expect(!Mend.isPremature(seek: RD_KAFKA_RESP_ERR__STATE, old))
  }

  @Test func onlyAMemberWithoutAnAssignmentIsLeftUndestroyed() {
    #expect(Mend.mustLeak(isMember: true, hasBeenAssigned: false, old))
    #expect(!Mend.mustLeak(isMember: true, hasBeenAssigned: true, old))
    #expect(!Mend.mustLeak(isMember: false, hasBeenAssigned: false, old))
    #expect(!Mend.mustLeak(isMember: true, hasBeenAssigned: false, new))
  }

  @Test func anOldLibrarySeeksAfterEachRebalance() {
    let (kept, rewound) = (TopicPartition("events", 0), TopicPartition("events", 1))
    #expect(Mend.seeks(keeping: [kept, rewound], rewound: [rewound], old) == [kept, rewound])
    #expect(Mend.seeks(keeping: [kept, rewound], rewound: [rewound], new) == [rewound])
    #expect(Mend.seeks(keeping: [kept], rewound: [rewound], new) == [])
  }

  @Test func abortsAreMadeInShortAttempts() {
    #expect(Mend.abortAttempt(5_000) == 500)
    #expect(Mend.abortAttempt(20) == 20)
  }

  /// The article's table lists every mend as it is declared.
  @Test func theArticleListsEveryMend() throws {
    let article = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/KafkaLog/KafkaLog.docc/Mends.md")
    let rows = try String(contentsOf: article, encoding: .utf8)
      .split(separator: "\n").filter { $0.hasPrefix("| ") && $0.contains(".swift`") }
    #expect(rows.count == Mend.all.count)
    for mend in Mend.all {
      let versions = mend.mendedIn.map { ["\($0)"] } ?? ["not by 2.15", "not known"]
      #expect(
        rows.contains {
          let row = $0
          return row.contains(mend.fault) && row.contains(mend.source)
            && versions.contains { row.contains("| \($0) |") }
        }, "\(mend.fault)")
    }
  }
}
