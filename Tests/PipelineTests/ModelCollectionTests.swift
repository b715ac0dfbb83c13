import Codecs
import Testing

@testable import Pipeline
@testable import Recommender

/// Which models are kept and which one serves, record by record.
@Suite struct ModelCollectionTests {
  private static let movies = Array(Int64(1)...5)
  private static let models = (1...6).map { ServingBed.model(movies: movies, seed: UInt64($0)) }

  private func publish(_ number: Int, to collection: inout ModelCollection) -> [Notice] {
    ServingBed.records(Self.models[number]).flatMap { key, value in
      take(key, value, &collection)
    }
  }

  private func promote(_ number: Int?, in collection: inout ModelCollection) -> [Notice] {
    var writer = JSONWriter()
    if let number { ModelPromotion(version: Self.version(number)).write(to: &writer) }
    return take(.role(.serving), number == nil ? nil : writer.copyBytes(), &collection)
  }

  private func take(_ key: ModelKey, _ value: [UInt8]?, _ collection: inout ModelCollection)
    -> [Notice]
  {
    let key: [UInt8]? = Array(key.text.utf8)
    return key.withSpan { key in value.withSpan { collection.take(key: key, value: $0) } }
  }

  private typealias Notice = ModelCollection.Notice
  private static func version(_ number: Int) -> String { models[number].model.version }

  private func kept(_ collection: ModelCollection) -> [Int] {
    collection.available.models.compactMap { model in
      Self.models.firstIndex { $0.model.version == model.version }
    }
  }

  @Test func theNewestAreKeptWithThePromotedOneAndTheShadow() {
    var collection = ModelCollection(kept: 2, shadow: Self.version(1))
    #expect(publish(0, to: &collection).isEmpty)
    #expect(promote(0, in: &collection) == [.serves(version: Self.version(0), movies: 5)])
    for number in 1...5 { #expect(publish(number, to: &collection).isEmpty) }
    #expect(kept(collection) == [0, 1, 4, 5])
    #expect(collection.available.promoted?.version == Self.version(0))
    #expect(collection.available.shadow?.version == Self.version(1))
  }

  @Test func thePreviousModelServesUntilTheNextOneIsComplete() {
    var collection = ModelCollection(kept: 2, shadow: nil)
    _ = publish(0, to: &collection)
    _ = promote(0, in: &collection)
    #expect(promote(1, in: &collection).isEmpty)
    #expect(collection.available.missing == Self.version(1))
    #expect(collection.available.promoted?.version == Self.version(0))
    #expect(publish(1, to: &collection) == [.serves(version: Self.version(1), movies: 5)])
    #expect(collection.available.missing == nil)
    // Nothing new serves when it is promoted again.
    #expect(promote(1, in: &collection).isEmpty)
    #expect(promote(nil, in: &collection) == [.noneServes(last: Self.version(1))])
    #expect(promote(nil, in: &collection).isEmpty)
    #expect(collection.available.promoted == nil && collection.available.missing == nil)
  }

  @Test func aDeletedModelServesNoMore() {
    var collection = ModelCollection(kept: 2, shadow: nil)
    _ = publish(0, to: &collection)
    _ = promote(0, in: &collection)
    #expect(
      take(.metadata(version: Self.version(0)), nil, &collection)
        == [.noneServes(last: Self.version(0))])
    #expect(collection.available.models.isEmpty && collection.available.promoted == nil)
    #expect(collection.available.missing == Self.version(0))
  }

  @Test func aFaultIsReportedOnceAndCountedEachTime() {
    var collection = ModelCollection(kept: 2, shadow: nil)
    let notices = (0..<3).flatMap { _ in take(.role(.serving), Array("[]".utf8), &collection) }
    #expect(notices.count == 1 && collection.available.rejected == 3)
  }

  @Test func fewIncompleteModelsAreRemembered() {
    var collection = ModelCollection(kept: 2, shadow: nil)
    for number in 0...5 {
      _ = take(.part(version: Self.version(number), number: 0), [1], &collection)
    }
    #expect(collection.incomplete.map(\.version) == (2...5).map(Self.version))
  }

  @Test func aPromotedModelIsWaitedFor() {
    var collection = ModelCollection(kept: 2, shadow: nil)
    _ = promote(0, in: &collection)
    for number in 0...4 {
      _ = take(.part(version: Self.version(number), number: 0), [1], &collection)
    }
    #expect(collection.incomplete.map(\.version) == [0, 2, 3, 4].map(Self.version))
  }
}
