import Configuration
import Console
import MLflow
import Wiring

/// Asks MLflow for what the daemon will need there, and changes nothing.
enum MLflowCheck {
  static func finding(_ settings: Settings) -> CheckFinding {
    let name = "mlflow"
    do throws(MLflowError) {
      let target = try settings.mlflowTarget()
      let survey = try MLflowSurvey(MLflowClient(target, settings.mlflowConnection))
      let there = survey.hasExperiment ? "is there" : "will be made"
      let registered = survey.hasModel ? "is there" : "will be made"
      return CheckFinding(
        name,
        ok: "\(target.uri) answers; the experiment \(target.experiment) \(there), the registered"
          + " model \(target.model) \(registered)")
    } catch {
      return CheckFinding(
        name, failed: status(of: error), error.summary,
        advice: "\(error.advice); nothing waits for MLflow, and what it misses is sent later")
    }
  }

  private static func status(of error: MLflowError) -> ExitStatus {
    switch error.reason {
    case .loginMissing, .loginWrong, .forbidden: .denied
    default: error.isAbsence ? .unavailable : .configuration
    }
  }
}
