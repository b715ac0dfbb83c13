public import Streams

extension StageDeclaration {
  /// Judges each event, and sends the valid ones on under their user's key.
  public static let intake = StageDeclaration(
    "intake", inputs: [.userRatings],
    outputs: [
      Output(.validatedRatings), Output(.validationResults, note: "each event"),
      Output(.deadLetters), Output(.control, note: "the settings it judges by"),
    ],
    globals: [.movies, .control], recordsPositions: true,
    pacing: StagePacing(
      // It sends what an event leads to at once. Without transactions everyone sees it then, and a
      // batch is only what is acknowledged together.
      linger: StagePacing.ByGuarantee(exactlyOnce: .zero, atLeastOnce: .milliseconds(100)),
      // A batch is a transaction, of which the broker completes a hundred or two a second: more of
      // them only wait for each other, and their events with them.
      gathering: StagePacing.ByGuarantee(exactlyOnce: .milliseconds(12), atLeastOnce: nil),
      // Under load, what has come in is processed before more comes in.
      niceness: 10))
}

enum IntakeOutputs {
  static let validated = StageDeclaration.intake.output(.validatedRatings)
  static let verdicts = StageDeclaration.intake.output(.validationResults)
  static let deadLetters = StageDeclaration.intake.output(.deadLetters)
  static let control = StageDeclaration.intake.output(.control)
}
