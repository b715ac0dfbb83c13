import Recommender

/// A ranker each for the models in use; they keep a few hundred kilobytes of memory from batch to
/// batch.
///
/// A class, because arrays hold no values that can't be copied.
final class RankerPool {
  private final class Entry {
    var ranker: PersonalRanker

    init(_ model: ServingModel) {
      ranker = PersonalRanker(model)
    }
  }

  private var entries: [Entry] = []

  /// Hands the model's ranker to `body`.
  func use<R>(_ model: ServingModel, _ body: (inout PersonalRanker) -> R) -> R {
    if let entry = entries.first(where: { $0.ranker.model === model }) {
      return body(&entry.ranker)
    }
    let entry = Entry(model)
    entries.append(entry)
    return body(&entry.ranker)
  }

  /// Forgets the other models' rankers.
  func keep(_ models: [ServingModel]) {
    entries.removeAll { entry in !models.contains { $0 === entry.ranker.model } }
  }
}
