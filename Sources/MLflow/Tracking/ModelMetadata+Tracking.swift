import Recommender

/// What a run shows of a model.
extension ModelMetadata {
  /// `0:120,1:98`, by partition.
  var offsetsText: String {
    trainedTo.enumerated().map { "\($0.offset):\($0.element)" }.joined(separator: ",")
  }

  /// The parameters, metrics and tags of the training's run.
  ///
  /// - Parameter milliseconds: when the model was published.
  func batch(milliseconds: Int64, tags: [MLflowTag]) -> MLflowBatch {
    func metric(_ key: String, _ value: Double, _ step: Int = 0) -> MLflowMetric? {
      // JSON has no other numbers.
      guard value.isFinite else { return nil }
      return MLflowMetric(key: key, value: value, milliseconds: milliseconds, step: Int64(step))
    }
    let epochs = epochLosses.enumerated().map { metric("loss", $1, $0 + 1) }
    let end = [
      metric("final_loss", loss), metric("users", Double(users)), metric("movies", Double(movies)),
      metric("ratings", Double(ratings)), metric("mean_rating", meanRating),
      metric("bytes", Double(byteCount)),
    ]
    let measured = zip(["", "popularity_"], [metrics, popularityMetrics]).flatMap { prefix, found in
      guard let found else { return [MLflowMetric?]() }
      return [
        metric("\(prefix)precision_at_10", found.precisionAt10),
        metric("\(prefix)recall_at_10", found.recallAt10),
        metric("\(prefix)ndcg_at_10", found.ndcgAt10), metric("\(prefix)auc", found.auc),
      ]
    }
    let trials = search.enumerated().flatMap { number, trial in
      zip(["next", "later"], [trial.next, trial.later]).flatMap { moment, measures in
        guard measures.users > 0 else { return [MLflowMetric?]() }
        return [
          metric("search_\(moment)_rated", measures.rated, number),
          metric("search_\(moment)_liked", measures.liked, number),
          metric("search_\(moment)_disliked_share", measures.dislikedShare, number),
        ]
      }
    }
    return MLflowBatch(
      parameters: parameters.settings.map { MLflowTag($0.name, $0.value) },
      metrics: (epochs + end + measured + trials).compactMap(\.self),
      tags: tags)
  }

  /// What identifies the model on runs and on registered versions.
  func tags(application: String) -> [MLflowTag] {
    let offsets = offsetsText
    return [
      MLflowTag(MLflowTag.version, version), MLflowTag(MLflowTag.application, application),
      MLflowTag(
        "projectionist.trained_to",
        offsets.utf8.count <= MLflowTag.longestValue ? offsets : "see metadata.json"),
      MLflowTag("projectionist.newest_rating_ms", "\(newestRatingMilliseconds)"),
    ]
  }
}
