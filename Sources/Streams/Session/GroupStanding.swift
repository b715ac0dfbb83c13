import EventLog

/// Where a stage goes on in a partition, by what its group's offset says, who set that, and where
/// the stage itself knows that it stands: by its state, or by its own record of its positions.
struct GroupStanding: Hashable, Sendable {
  /// How a stage takes an offset that somebody else has set.
  enum Compliance: Hashable, Sendable {
    /// It has no position of its own.
    case follows
    /// It reads events again, and skips none unless that is accepted.
    case replays
    /// Its state counts each event once: it goes on where that stands.
    case keeps
  }

  enum Outcome: Hashable, Sendable {
    /// `nil` for a partition that nobody has read.
    case goOn(at: Int64?)
    /// Elsewhere than where the stage stood: behind, or ahead if that was accepted.
    case move(to: Int64)
    /// Events would be skipped.
    case refuse(to: Int64)
    /// The group's offset has no effect.
    case ignore(at: Int64)

    var offset: Int64? {
      switch self {
      case .goOn(let offset): offset
      case .move(let offset), .refuse(let offset), .ignore(let offset): offset
      }
    }
  }

  /// The group's offset, and whether the stamp is one of ours.
  var committed: Int64?
  var isOurs: Bool
  var isAccepted: Bool
  /// Where the stage knows that it stands.
  var own: Int64?
  var compliance: Compliance

  var outcome: Outcome {
    guard let own else { return .goOn(at: committed) }
    guard let committed else { return .goOn(at: own) }
    // Also where the stage stood: the topic may be another one.
    if isAccepted, compliance != .keeps { return .move(to: committed) }
    guard committed != own else { return .goOn(at: own) }
    // Between a commit of the state, or of a position, and the group's, a crash may come.
    if isOurs { return .goOn(at: compliance == .keeps ? own : committed) }
    switch compliance {
    case .follows: return .goOn(at: committed)
    case .replays: return committed < own ? .move(to: committed) : .refuse(to: committed)
    case .keeps: return .ignore(at: own)
    }
  }
}

extension GroupStanding {
  init(
    _ group: GroupOffset?, own: Int64?, _ configuration: StageConfiguration
  ) {
    committed = group?.offset
    switch group?.stamp {
    case nil: (isOurs, isAccepted) = (false, false)
    case .accepted?: (isOurs, isAccepted) = (true, true)
    case .owned(let name)?, .released(let name)?:
      (isOurs, isAccepted) = (configuration.identity.isMember(name), false)
    }
    self.own = own
    compliance = configuration.compliance
  }
}

extension StageConfiguration {
  var compliance: GroupStanding.Compliance {
    if changelog != nil { return .keeps }
    return positions == nil ? .follows : .replays
  }
}
