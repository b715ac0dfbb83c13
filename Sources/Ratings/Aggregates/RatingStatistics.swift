import Codecs

/// Exact statistics of a changing set of ratings: ratings are added, taken back and replaced.
///
/// A histogram of the ten possible ratings gives count, mean, deviation, minimum and maximum from
/// integer sums, so taking a rating back leaves no rounding error. Times can't be taken back the
/// same way: when the first or last time is gone, the caller notes the remaining ones again.
public struct RatingStatistics: Sendable {
  /// How many days (UTC) count as recent, including the day of the last rating.
  public static let recentDays = 30

  /// Counts by half stars: index 0 is half a star.
  public private(set) var histogram = InlineArray<10, UInt32>(repeating: 0)
  /// Counts of the recent days, each in the slot of its day modulo `recentDays`.
  private var dailyCounts = InlineArray<30, UInt32>(repeating: 0)
  /// Later than `lastTime` if no time is known.
  private var firstTime = Int64.max
  private var lastTime = Int64.min

  public init() {}

  public var firstRatingMilliseconds: Int64? { firstTime <= lastTime ? firstTime : nil }
  public var lastRatingMilliseconds: Int64? { firstTime <= lastTime ? lastTime : nil }

  /// Adds a rating.
  public mutating func add(_ rating: HalfStars, timeMilliseconds time: Int64) {
    histogram[rating.bucket] += 1
    noteTime(time)
  }

  /// Takes a rating back. A rating that is not there changes nothing.
  ///
  /// - Returns: whether the first or last time is gone with it. The caller must then call
  ///   `resetTimes`, and `noteTime` for every remaining rating.
  public mutating func retract(_ rating: HalfStars, timeMilliseconds time: Int64) -> Bool {
    guard histogram[rating.bucket] > 0 else { return false }
    histogram[rating.bucket] -= 1
    if count == 0 {
      resetTimes()
      return false
    }
    if time <= firstTime || time >= lastTime { return true }
    let day = EventTime.day(ofMilliseconds: time)
    if day > EventTime.day(ofMilliseconds: lastTime) - Int64(Self.recentDays) {
      let slot = Self.slot(day)
      if dailyCounts[slot] > 0 { dailyCounts[slot] -= 1 }
    }
    return false
  }

  /// Replaces one rating with another.
  ///
  /// - Returns: as `retract`; the remaining ratings include the new one.
  public mutating func replace(_ old: TimedRating, with new: TimedRating) -> Bool {
    guard histogram[old.rating.bucket] > 0 else {
      add(new.rating, timeMilliseconds: new.timeMilliseconds)
      return false
    }
    if old.timeMilliseconds == new.timeMilliseconds {
      histogram[old.rating.bucket] -= 1
      histogram[new.rating.bucket] += 1
      return false
    }
    add(new.rating, timeMilliseconds: new.timeMilliseconds)
    let mustRescan = retract(old.rating, timeMilliseconds: old.timeMilliseconds)
    guard mustRescan, count == 1 else { return mustRescan }
    resetTimes()
    noteTime(new.timeMilliseconds)
    return false
  }

  /// Forgets all times, so that they can be noted again.
  public mutating func resetTimes() {
    firstTime = .max
    lastTime = .min
    dailyCounts = InlineArray(repeating: 0)
  }

  /// Notes the time of a rating that the histogram already holds.
  public mutating func noteTime(_ time: Int64) {
    let day = EventTime.day(ofMilliseconds: time)
    let window = Int64(Self.recentDays)
    if firstTime <= lastTime {
      let lastDay = EventTime.day(ofMilliseconds: lastTime)
      if day > lastDay {
        for newDay in max(lastDay + 1, day - window + 1)...day {
          dailyCounts[Self.slot(newDay)] = 0
        }
      }
      if day > lastDay - window { dailyCounts[Self.slot(day)] += 1 }
    } else {
      dailyCounts[Self.slot(day)] = 1
    }
    firstTime = min(firstTime, time)
    lastTime = max(lastTime, time)
  }

  private static func slot(_ day: Int64) -> Int {
    let remainder = Int(day % Int64(recentDays))
    return remainder < 0 ? remainder + recentDays : remainder
  }

  /// The slot of the day `age` days, fewer than `recentDays`, before another slot's.
  private static func slot(_ age: Int, before slot: Int) -> Int {
    age > slot ? slot - age + recentDays : slot - age
  }
}

extension RatingStatistics {
  public var count: Int {
    var sum = 0
    for bucket in histogram.indices { sum += Int(histogram[bucket]) }
    return sum
  }

  /// S1, the sum of all ratings in half stars.
  public var halfStarSum: Int {
    var sum = 0
    for bucket in histogram.indices { sum += (bucket + 1) * Int(histogram[bucket]) }
    return sum
  }

  /// The mean in stars; 0 without ratings.
  public var mean: Double {
    count == 0 ? 0 : Double(halfStarSum) / Double(2 * count)
  }

  /// Standard deviation in stars with divisor n; 0 without ratings.
  public var populationStandardDeviation: Double {
    let count = count
    return count == 0 ? 0 : deviation(divisor: Double(count) * Double(count))
  }

  /// Standard deviation in stars with divisor n - 1, as pandas computes it; 0 for fewer than two
  /// ratings.
  public var sampleStandardDeviation: Double {
    let count = count
    return count < 2 ? 0 : deviation(divisor: Double(count) * Double(count - 1))
  }

  /// √((n·S2 - S1²) / divisor) / 2, the numerator exact: S1 and S2 are the sums of the half stars
  /// and of their squares.
  private func deviation(divisor: Double) -> Double {
    var squares = 0
    for bucket in histogram.indices {
      squares += (bucket + 1) * (bucket + 1) * Int(histogram[bucket])
    }
    // Ten full buckets need 78 bits here.
    let numerator = Int128(count) * Int128(squares) - Int128(halfStarSum) * Int128(halfStarSum)
    let exact = Int64(exactly: numerator).map { Double($0) } ?? Double(numerator)
    return (exact / divisor).squareRoot() / 2
  }

  public var minimum: HalfStars? {
    for bucket in histogram.indices where histogram[bucket] > 0 {
      return HalfStars(rawValue: UInt8(bucket + 1))
    }
    return nil
  }

  public var maximum: HalfStars? {
    for bucket in histogram.indices.reversed() where histogram[bucket] > 0 {
      return HalfStars(rawValue: UInt8(bucket + 1))
    }
    return nil
  }

  /// Whole days between the first and the last rating.
  public var daysActive: Int64 {
    firstTime <= lastTime ? (lastTime - firstTime) / EventTime.millisecondsPerDay : 0
  }

  /// Ratings within `recentDays` days (UTC) up to the day of the last one.
  public var recentCount: Int {
    var sum = 0
    for slot in dailyCounts.indices { sum += Int(dailyCounts[slot]) }
    return sum
  }
}

extension RatingStatistics: Equatable {
  public static func == (a: RatingStatistics, b: RatingStatistics) -> Bool {
    for bucket in a.histogram.indices where a.histogram[bucket] != b.histogram[bucket] {
      return false
    }
    for slot in a.dailyCounts.indices where a.dailyCounts[slot] != b.dailyCounts[slot] {
      return false
    }
    return a.firstTime == b.firstTime && a.lastTime == b.lastTime
  }
}

extension RatingStatistics {
  // Layout: a mask of the non-empty buckets, their counts; then, if there are ratings, first time,
  // time from first to last, a mask of the non-empty recent days (bit 0 is the last day), their
  // counts. All numbers are LEB128.
  static let maximumEncodedBytes = 2 + 10 * 5 + 3 * 10 + 5 + 30 * 5

  func encode(into bytes: inout ByteWriter) {
    var mask: UInt64 = 0
    for bucket in histogram.indices where histogram[bucket] > 0 { mask |= 1 << UInt64(bucket) }
    bytes.varint(mask)
    for bucket in histogram.indices where histogram[bucket] > 0 {
      bytes.varint(UInt64(histogram[bucket]))
    }
    guard mask != 0 else { return }
    bytes.signedVarint(firstTime)
    bytes.varint(UInt64(bitPattern: lastTime &- firstTime))
    let lastSlot = Self.slot(EventTime.day(ofMilliseconds: lastTime))
    var days: UInt64 = 0
    for age in 0..<Self.recentDays where dailyCounts[Self.slot(age, before: lastSlot)] > 0 {
      days |= 1 << UInt64(age)
    }
    bytes.varint(days)
    for age in 0..<Self.recentDays where days & (1 << UInt64(age)) != 0 {
      bytes.varint(UInt64(dailyCounts[Self.slot(age, before: lastSlot)]))
    }
  }

  init(from reader: inout ByteReader) throws(CodecError) {
    self.init()
    let mask = try reader.varint()
    guard mask < 1 << 10 else { throw CodecError("a histogram has more than ten buckets") }
    for bucket in histogram.indices where mask & (1 << UInt64(bucket)) != 0 {
      histogram[bucket] = try reader.varint(as: UInt32.self)
      guard histogram[bucket] > 0 else { throw CodecError("a listed bucket is empty") }
    }
    guard mask != 0 else { return }
    firstTime = try reader.signedVarint()
    let (last, overflow) = firstTime.addingReportingOverflow(try reader.varint(as: Int64.self))
    guard !overflow, firstTime >= EventTime.representable.lowerBound,
      last <= EventTime.representable.upperBound
    else { throw CodecError("a time is out of range") }
    lastTime = last
    let days = try reader.varint()
    guard days < 1 << UInt64(Self.recentDays) else {
      throw CodecError("there are more recent days than \(Self.recentDays)")
    }
    let lastSlot = Self.slot(EventTime.day(ofMilliseconds: last))
    for age in 0..<Self.recentDays where days & (1 << UInt64(age)) != 0 {
      dailyCounts[Self.slot(age, before: lastSlot)] = try reader.varint(as: UInt32.self)
    }
  }
}
