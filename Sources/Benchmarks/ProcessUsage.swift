import Foundation

/// What a process has used so far, as Linux tells in /proc; see proc(5).
struct ProcessUsage: Hashable, Sendable {
  /// User and system time of all its threads, in steps of 10 ms.
  var cpuSeconds = 0.0
  /// The most physical memory it had at any time (`VmHWM`).
  var peakBytes = 0
  /// Physical memory that is its own (`RssAnon`).
  var anonymousBytes = 0
  /// Physical memory that is mapped files: state stores, and the program itself (`RssFile`).
  var mappedBytes = 0

  /// - Returns: `nil` when there is no such process any more.
  init?(of process: pid_t) {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    else { return nil }
    self.init(stat: stat, status: status, ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  /// - Parameters:
  ///   - stat: the text of /proc/PID/stat.
  ///   - status: the text of /proc/PID/status.
  init?(stat: String, status: String, ticksPerSecond: Double) {
    // The name, second of the fields, may hold spaces and parentheses.
    guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      return nil
    }
    cpuSeconds = (user + system) / ticksPerSecond
    for line in status.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard words.count >= 2, let kibibytes = Int(words[1]) else { continue }
      switch words[0] {
      case "VmHWM:": peakBytes = kibibytes << 10
      case "RssAnon:": anonymousBytes = kibibytes << 10
      case "RssFile:": mappedBytes = kibibytes << 10
      default: continue
      }
    }
  }

  /// CPU time this process has used, all threads.
  static var ownCPUSeconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
