public import Streams

extension StageDeclaration {
  /// Answers requests from the user stage's committed state.
  public static let predict = StageDeclaration(
    "predict", inputs: [.requests],
    outputs: [
      Output(.recommendations),
      Output(.requests, note: "those that belong to another partition"), Output(.shadow),
      Output(.models, note: "what a shadow hits"),
    ],
    globals: [.movies, .movieFeatures, .models],
    // Replies repeat after a crash rather than get lost: they wait for no transaction.
    guarantee: .atLeastOnce, follows: StageDeclaration.user.name,
    // Under CPU pressure ingestion yields to requests: a rating a little later is not lost.
    pacing: StagePacing(niceness: 0, answersRequests: true))
}

enum PredictOutputs {
  static let replies = StageDeclaration.predict.output(.recommendations)
  static let requests = StageDeclaration.predict.output(.requests)
  static let shadows = StageDeclaration.predict.output(.shadow)
  static let hits = StageDeclaration.predict.output(.models)
}
