import Testing

@testable import Pipeline

@Suite struct PendingFeaturesTests {
  @Test func onlyTheNewestRecordOfAnEntityIsKept() {
    var pending = PendingFeatures()
    let (first, second, third): ([UInt8], [UInt8], [UInt8]) = ([1, 2, 3], [4], [])
    pending.set(7, offset: 10, value: first.span.bytes)
    pending.set(8, offset: 11, value: second.span.bytes)
    pending.set(7, offset: 12, value: third.span.bytes)
    pending.set(9, offset: 13, value: nil)
    var seen: [String] = []
    pending.forEach { entity, offset, value in
      var text = "nil"
      if let value { text = "\(value.withUnsafeBytes { [UInt8]($0) })" }
      seen.append("\(entity)@\(offset)=\(text)")
    }
    #expect(seen == ["7@12=[]", "8@11=[4]", "9@13=nil"])
    pending.removeAll()
    pending.forEach { _, _, _ in Issue.record("nothing is left") }
  }

  @Test func aTombstoneTakesAnEarlierRecordsPlace() {
    var pending = PendingFeatures()
    let value: [UInt8] = [1]
    pending.set(7, offset: 1, value: value.span.bytes)
    pending.set(7, offset: 2, value: nil)
    var count = 0
    pending.forEach { entity, offset, value in
      count += 1
      #expect(entity == 7 && offset == 2 && value == nil)
    }
    #expect(count == 1)
  }
}
