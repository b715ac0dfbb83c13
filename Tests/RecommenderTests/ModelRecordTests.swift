import Codecs
import TestSupport
import Testing

@testable import Recommender

@Suite struct ModelRecordTests {
  private typealias Record = (key: ModelKey, value: [UInt8]?)

  /// A model of several parts.
  private static func model(seed: UInt64 = 1, movies: Int = 1500, factors k: Int = 300)
    -> PublishedModel
  {
    var random = SeededRandom(seed: seed)
    var parameters = ModelParameters()
    parameters.factors = k
    parameters.seed = seed
    return PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, trainedTo: [17, 0, 4], users: 9, movies: movies,
        ratings: 99, meanRating: 3.25, newestRatingMilliseconds: 1_700_000_000_000, loss: 0.25,
        epochLosses: [0.5, 1.0 / 3, 0.25]),
      contents: .madeUp(movies: (0..<movies).map { Int64($0) * 3 + 1 }, factors: k) {
        Float(2 * random.unit() - 1) * 0.99
      })
  }

  private static func records(_ model: PublishedModel) -> [Record] {
    var records: [Record] = []
    model.forEachRecord { key, value in
      records.append((key, value.withUnsafeBytes { Array($0) }))
    }
    return records
  }

  @discardableResult
  private static func feed(_ records: [Record], to assembler: inout ModelAssembler) -> [ModelFault]
  {
    var faults: [ModelFault] = []
    for record in records {
      let key = Array(record.key.text.utf8)
      let change = assembler.take(key: key.span.bytes, value: record.value?.span.bytes)
      if case .refused(let fault) = change { faults.append(fault) }
    }
    return faults
  }

  private static func expectSame(_ model: FactorModel?, _ published: PublishedModel) {
    #expect(model?.metadata == published.model.metadata)
    #expect(model?.movies == published.model.movies)
    let (found, expected) = (model?.contents, published.model.contents)
    #expect(found?.factors.map(\.bitPattern) == expected.factors.map(\.bitPattern))
    #expect(found?.scales == expected.scales && found?.prior == expected.prior)
    #expect(found?.neighbours == expected.neighbours)
  }

  // MARK: Round trips

  @Test func partsAreSmallAndTheMetadataIsLast() {
    let records = Self.records(Self.model())
    #expect(records.count == 4)
    for record in records { #expect((record.value?.count ?? 0) < 1_000_000) }
    guard case .metadata = records[3].key else { return #expect(Bool(false)) }
  }

  @Test func metadataSurvivesJSON() throws {
    var metadata = Self.model().model.metadata
    metadata.metrics = RankingMetrics(precisionAt10: 0.1, recallAt10: 0.2, ndcgAt10: 0.3, auc: 0.4)
    metadata.parameters.seed = .max
    metadata.doubts = (0..<300).map { Double($0) / 299 }
    let measures = SettingsTrial.Measures(rated: 0.1234, liked: 0, dislikedShare: 1e-4, users: 7)
    metadata.search = [
      SettingsTrial(change: "start", next: measures, later: measures, isKept: true),
      SettingsTrial(change: "trend half-life 90.0", next: measures, later: measures),
    ]
    let text = Array(written { metadata.write(to: &$0) }.utf8)
    #expect(try ModelMetadata(parsing: text.span.bytes) == metadata)
  }

  @Test(arguments: [[0.5], [Double](repeating: 1.5, count: 300)])
  func doubtsAreOneForEachFactor(doubts: [Double]) {
    var metadata = Self.model().model.metadata
    metadata.doubts = doubts
    let text = Array(written { metadata.write(to: &$0) }.utf8)
    #expect(throws: RecordError.self) { _ = try ModelMetadata(parsing: text.span.bytes) }
  }

  @Test func equalModelsHaveEqualVersionsAndOthersOthers() {
    let version = Self.model().model.version
    #expect(version.hasPrefix("20231114-"))
    #expect(Self.model().model.version == version)
    #expect(Self.model(seed: 2).model.version != version)
    #expect(Self.model(movies: 1499).model.version != version)
    var metadata = Self.model().model.metadata
    metadata.trainedTo[1] = 1
    #expect(metadata.derivedVersion != version)
    metadata = Self.model().model.metadata
    metadata.metrics = RankingMetrics(precisionAt10: 0, recallAt10: 0, ndcgAt10: 0, auc: 0)
    #expect(metadata.derivedVersion == version)
  }

  @Test(arguments: [
    ("promoted", ModelKey.role(.serving)), ("20240101-ab", .metadata(version: "20240101-ab")),
    ("v/0", .part(version: "v", number: 0)), ("v/12", .part(version: "v", number: 12)),
    ("", nil), ("/1", nil), ("v/", nil), ("v/01", nil), ("v/-1", nil), ("v/1/2", nil),
    ("candidate", .role(.candidate)), ("shadow", .role(.shadow)),
    ("v/verdict", .verdict(version: "v")), ("v/recipe", .recipe(version: "v")),
    ("v/hits/3", .hits(version: "v", partition: 3)), ("v/hits", nil), ("v/hits/x", nil),
    ("v/hits/03", nil), ("v/verdict/1", nil), ("serving", .metadata(version: "serving")),
    ("a b", nil), ("v/99999999999999999999", nil), ("promoted/1", nil), ("é", nil),
  ]) func keysAreReadStrictly(text: String, key: ModelKey?) {
    let bytes = Array(text.utf8)
    #expect(ModelKey(bytes.span.bytes) == key)
    if let key { #expect(key.text == text) }
  }

  @Test func promotionsRememberWhatServedBefore() throws {
    var promotion = ModelPromotion(version: "v0")
    for number in 1...30 { promotion = promotion.promoting("v\(number)") }
    #expect(promotion.previous.count == ModelPromotion.longestHistory)
    #expect(promotion.promoting("v30") == promotion)
    let text = Array(written { promotion.write(to: &$0) }.utf8)
    #expect(try ModelPromotion(parsing: text.span.bytes) == promotion)
    #expect(promotion.rolledBack?.version == "v29")
    #expect(promotion.rolledBack?.rolledBack?.version == "v28")
    #expect(ModelPromotion(version: "v").rolledBack == nil)
  }

  @Test func promotionsSayWhyAndWhen() throws {
    let promotion = ModelPromotion(
      version: "v", previous: ["u"], reason: "it is \"better\"", milliseconds: 7)
    let text = Array(written { promotion.write(to: &$0) }.utf8)
    #expect(try ModelPromotion(parsing: text.span.bytes) == promotion)
    // As earlier versions wrote it.
    let old = Array(#"{"version":"v","previous":["u"]}"#.utf8)
    #expect(
      try ModelPromotion(parsing: old.span.bytes) == ModelPromotion(version: "v", previous: ["u"]))
  }

  // MARK: Notes

  private static func tally(_ number: Int64, against: String = "live") -> HitTally {
    var tally = HitTally(against: against)
    tally.judged = 10 * number
    tally.live.all = 3 * number
    tally.live.liked = 2 * number
    tally.shadow.all = 5 * number
    tally.shadow.liked = 4 * number
    return tally
  }

  private static func comparison(_ seed: Double) -> GateComparison {
    GateComparison(
      users: Int(seed * 10),
      candidate: GateMeasures(rated: seed, liked: seed / 2, dislikedShare: seed / 4),
      serving: GateMeasures(rated: seed / 8, liked: seed / 16, dislikedShare: seed / 32))
  }

  @Test(arguments: [true, false]) func verdictsAreReadBack(isFull: Bool) throws {
    let verdict = ModelVerdict(
      isFull ? .kept : .promoted, reason: "r", milliseconds: 9, against: isFull ? "live" : nil,
      gate: 1.5, settings: isFull ? Self.comparison(1) : nil,
      models: isFull ? Self.comparison(0.5) : nil, hits: isFull ? Self.tally(1) : nil)
    let text = Array(written { verdict.write(to: &$0) }.utf8)
    #expect(try ModelVerdict(parsing: text.span.bytes) == verdict)
  }

  @Test(arguments: [
    "[]", "{}", #"{"format":2,"decision":"kept","reason":"r","at_ms":1,"gate":1}"#,
    #"{"format":1,"decision":"maybe","reason":"r","at_ms":1,"gate":1}"#,
    #"{"format":1,"decision":"kept","reason":"r","at_ms":1,"gate":1,"settings_users":3}"#,
    #"{"format":1,"decision":"kept","reason":"r","at_ms":1,"gate":1,"hits_against":"v"}"#,
  ]) func damagedVerdictsAreRefused(text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: RecordError.self) { try ModelVerdict(parsing: bytes.span.bytes) }
  }

  @Test func notesAreTakenByKey() throws {
    var notes = ModelNotes()
    func take(_ key: ModelKey, _ value: String?) -> ModelFault? {
      let key = Array(key.text.utf8)
      guard let value else { return notes.take(key: key.span.bytes, value: nil) }
      let bytes = Array(value.utf8)
      return notes.take(key: key.span.bytes, value: bytes.span.bytes)
    }
    for (partition, tally) in [Self.tally(1), Self.tally(2), Self.tally(4, against: "other")]
      .enumerated()
    {
      let key = ModelKey.hits(version: "v", partition: Int32(partition))
      #expect(take(key, written { tally.write(to: &$0) }) == nil)
    }
    #expect(notes.hits(of: "v", against: "live") == Self.tally(3))
    #expect(notes.hits(of: "u", against: "live") == HitTally(against: "live"))
    #expect(take(.hits(version: "v", partition: 1), "[]")?.key != nil)
    #expect(notes.hits(of: "v", against: "live") == Self.tally(3))
    #expect(take(.hits(version: "v", partition: 1), nil) == nil)
    #expect(notes.hits(of: "v", against: "live") == Self.tally(1))
    let metadata = Self.model().model.metadata
    #expect(take(.recipe(version: metadata.version), written { metadata.write(to: &$0) }) == nil)
    #expect(notes.recipes == [metadata.version: metadata])
    #expect(take(.role(.shadow), "[]") == nil, "roles are no notes")
  }

  @Test func aRatioCountsTheLikedTwice() {
    let (one, two) = (
      GateMeasures(rated: 0.1, liked: 0.1, dislikedShare: 0),
      GateMeasures(rated: 0.2, liked: 0.1, dislikedShare: 1)
    )
    #expect(one.ratio(to: one) == 1)
    #expect(abs(two.ratio(to: one) - (0.201 / 0.101 + 2) / 3) < 1e-12)
    let none = GateMeasures(rated: 0, liked: 0, dislikedShare: 0)
    #expect(none.ratio(to: none) == 1)
  }

  // MARK: Assembly

  @Test(arguments: 1...10 as ClosedRange<UInt64>) func anyOrderAndRepetitionWillDo(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let (one, two) = (Self.model(seed: 1), Self.model(seed: 2, movies: 700))
    var records = Self.records(one) + Self.records(two)
    records += records.filter { _ in random.below(3) == 0 }
    records.shuffle(using: &random)
    var assembler = ModelAssembler()
    #expect(Self.feed(records, to: &assembler) == [])
    Self.expectSame(assembler.models[one.model.version], one)
    Self.expectSame(assembler.models[two.model.version], two)
    #expect(assembler.incomplete.isEmpty)
  }

  @Test(arguments: 0..<4) func withoutARecordThereIsNoModel(missing: Int) {
    var records = Self.records(Self.model())
    let lost = records.remove(at: missing)
    var assembler = ModelAssembler()
    Self.feed(records, to: &assembler)
    #expect(assembler.models.isEmpty)
    #expect(assembler.incomplete.count == 1)
    #expect(assembler.incomplete[0].partsExpected == (missing == 3 ? nil : 3))
    Self.feed([lost], to: &assembler)
    #expect(assembler.models.count == 1)
  }

  @Test(arguments: [true, false], 0..<3) func aDamagedPartIsRefusedUntilItIsRight(
    metadataFirst: Bool, part: Int
  ) {
    let model = Self.model()
    let right = Self.records(model)
    var records = right
    records[part].value?[777] ^= 1
    if metadataFirst { records.insert(records.removeLast(), at: 0) }
    var assembler = ModelAssembler()
    let faults = Self.feed(records, to: &assembler)
    #expect(faults.map(\.key) == [right[part].key])
    #expect(assembler.models.isEmpty)
    Self.feed([right[part]], to: &assembler)
    Self.expectSame(assembler.models[model.model.version], model)
    // Damage that comes later changes nothing but is reported.
    #expect(Self.feed(records, to: &assembler).map(\.key) == [right[part].key])
    Self.expectSame(assembler.models[model.model.version], model)
  }

  @Test func partsOfAnotherModelAreRefused() {
    let (one, two) = (Self.model(seed: 1), Self.model(seed: 2))
    var records = Self.records(one)
    records[1].value = Self.records(two)[1].value
    var assembler = ModelAssembler()
    #expect(Self.feed(records, to: &assembler).count == 1)
    #expect(assembler.models.isEmpty)
  }

  @Test func foreignMetadataIsRefused() {
    let model = Self.model()
    var records = Self.records(model)
    // Another model's record under this version, and one that says something else.
    let other = Self.records(Self.model(seed: 2))[3].value
    var changed = model.model.metadata
    changed.ratings += 1
    let lie = Array(written { changed.write(to: &$0) }.utf8)
    for value in [other, lie, Array("{}".utf8), Array("nonsense".utf8), []] {
      records[3].value = value
      var assembler = ModelAssembler()
      #expect(Self.feed(records, to: &assembler).count == 1)
      #expect(assembler.models.isEmpty)
    }
  }

  @Test func deletionTakesAwayWhateverIsThere() {
    let model = Self.model()
    let records = Self.records(model)
    let nulls: [Record] = [(records[3].key, nil)] + records.dropLast().map { ($0.key, nil) }
    for length in 0...records.count {
      var assembler = ModelAssembler()
      Self.feed(Array(records.prefix(length)), to: &assembler)
      #expect(Self.feed(nulls, to: &assembler) == [])
      #expect(assembler.models.isEmpty && assembler.incomplete.isEmpty)
    }
  }

  @Test func onlyACompleteModelServes() {
    let model = Self.model()
    let version = model.model.version
    let promotion = ModelPromotion(version: version)
    let value = Array(written { promotion.write(to: &$0) }.utf8)
    var assembler = ModelAssembler()
    Self.feed([(.role(.serving), value)], to: &assembler)
    for record in Self.records(model) {
      #expect(assembler.promoted == nil)
      Self.feed([record], to: &assembler)
    }
    #expect(assembler.promoted?.version == version)
    #expect(Self.feed([(.role(.serving), Array("[]".utf8))], to: &assembler).count == 1)
    #expect(assembler.promoted?.version == version)
    Self.feed([(.role(.serving), nil)], to: &assembler)
    #expect(assembler.promoted == nil)
  }

  @Test func aModelOfAnEarlierVersionIsRefusedWithASentence() throws {
    let model = Self.model(movies: 3)
    let text = written { model.model.metadata.write(to: &$0) }
      .replacing(#""format":2"#, with: #""format":1"#)
    let bytes = Array(text.utf8)
    let error = #expect(throws: RecordError.self) {
      _ = try ModelMetadata(parsing: bytes.span.bytes)
    }
    #expect(error?.message.contains("train again") == true)
  }

  @Test func corruptPartsAreNeverDecoded() throws {
    var neighbours = Neighbours()
    neighbours.append([(1, 0.5)])
    neighbours.append([])
    let contents = FactorModel.Contents(
      movies: [5, 9], factors: [1, 2, 3, 4, 5, 6], scales: [1, 2], prior: [7, 8, 9],
      neighbours: neighbours)
    let bytes = ModelParts.encode(contents, factorCount: 3)[0]
    func decode(_ bytes: [UInt8], part: Int = 0, k: Int = 3) throws -> [Int64] {
      var contents = FactorModel.Contents()
      try ModelParts.decode(
        bytes.span.bytes, part: part, factorCount: k, movies: 2, into: &contents)
      return contents.movies
    }
    #expect(try decode(bytes) == [5, 9])
    for length in bytes.indices {
      #expect(throws: CodecError.self) { try decode(Array(bytes.prefix(length))) }
    }
    #expect(throws: CodecError.self) { try decode(bytes + [0]) }
    #expect(throws: CodecError.self) { try decode(bytes, part: 1) }
    #expect(throws: CodecError.self) { try decode(bytes, k: 2) }
    // The version, the second movie's id, a factor, the neighbour's row and its weight.
    for (place, byte) in [(0, 1), (17, 0), (21, 0xFF), (51, 2), (55, 0xBF)] as [(Int, UInt8)] {
      var damaged = bytes
      damaged[place] = byte
      if place == 21 { damaged[20] = 0xC0 }
      #expect(throws: CodecError.self, "\(place)") { try decode(damaged) }
    }
  }
}
