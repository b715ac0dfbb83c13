import Configuration
import Console
import EventLog
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import StateStore
import Streams
import Wiring

/// Compares what earlier runs have left with the log: positions of groups, and stores of this
/// machine.
struct HistoryCheck {
  let settings: Settings
  let logger: Logger
  let clusterID: String

  func findings() -> [CheckFinding] { [positions()] + stores() }

  /// A stage does not start where events would be skipped: those that somebody else has set it
  /// beyond, and those that the log has lost.
  private func positions() -> CheckFinding {
    var (obstacles, replays): ([String], [String]) = ([], [])
    do {
      for stage in StageOffsets.movable where settings.stages.contains(stage.name) {
        for report in try StageOffsets(stage, settings, logger).reports() {
          if report.stopsStage {
            obstacles.append("\(stage.name) in \(report.source): \(report.status)")
          } else if report.isForeign, let committed = report.committed {
            replays.append("\(stage.name) in \(report.source) to \(committed)")
          }
        }
      }
    } catch {
      return CheckFinding(
        "positions", failed: ExitStatus(of: error) ?? .failure, "\(error)",
        advice: "see `projectionist offsets`")
    }
    guard obstacles.isEmpty else {
      return CheckFinding(
        "positions", failed: .stateDiffers, obstacles.joined(separator: "; "),
        advice:
          "`projectionist offsets` shows them; `offsets restore` undoes what somebody else has"
          + " set, and `offsets accept` goes on although events are skipped")
    }
    guard replays.isEmpty else {
      return CheckFinding(
        "positions", warning: "somebody else has set " + replays.joined(separator: "; "),
        advice: "the next start reads these events again, which changes nothing that is known;"
          + " `projectionist offsets restore` undoes it")
    }
    return CheckFinding("positions", ok: "are the stages' own")
  }

  private func stores() -> [CheckFinding] {
    // Before the first start there is none.
    guard let places = try? StorePlace.all(in: settings.storage) else { return [] }
    let log = settings.makeQuietLog(logger)
    var (foreign, outdated, unknown): ([String], [String], [String]) = ([], [], [])
    for place in places {
      let name = "the store of \(place.description)"
      do {
        let snapshot = try place.open().snapshot()
        let origin = try snapshot.origin()
        if let difference = try place.difference(of: origin, settings, clusterID: clusterID, log) {
          foreign.append("\(name) \(difference)")
        } else if let difference = try place.inputDifference(of: snapshot, settings, log) {
          outdated.append("\(name) \(difference)")
        }
      } catch let error as LogError {
        unknown.append("\(name) can't be compared with the log: \(error)")
      } catch {
        foreign.append("\(name) can't be read: \(error)")
      }
    }
    return [
      finding(foreign, StorePlace.originRemedy(settings.stateRoot)),
      finding(outdated, StorePlace.inputRemedy),
      finding(unknown, "try again once the broker answers"),
    ].compactMap(\.self)
  }

  private func finding(_ differences: [String], _ advice: String) -> CheckFinding? {
    guard let first = differences.first else { return nil }
    let others = differences.count > 1 ? ", and \(differences.count - 1) more" : ""
    return CheckFinding("stores", failed: .stateDiffers, first + others, advice: advice)
  }
}
