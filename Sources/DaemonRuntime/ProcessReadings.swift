import Foundation
import Metrics

/// What the kernel knows of this process. The names are those that Prometheus's client libraries
/// give them. Source: proc(5).
enum ProcessReadings {
  static let cpu = Counter<NoLabels>(
    "process_cpu_seconds", unit: .seconds, "User and system time of all threads")
  static let resident = Gauge<NoLabels>(
    "process_resident_memory_bytes", unit: .bytes,
    "Physical memory, mapped pages of state stores included")
  static let anonymous = Gauge<NoLabels>(
    "process_anonymous_memory_bytes", unit: .bytes, "Physical memory that maps no file")
  static let threads = Gauge<NoLabels>("process_threads", "Threads of the operating system")
  static let openFiles = Gauge<NoLabels>("process_open_fds", "Open file descriptors")
  static let mostFiles = Gauge<NoLabels>("process_max_fds", "File descriptors that may be open")
  static let start = Gauge<NoLabels>(
    "process_start_time_seconds", unit: .seconds, "When the process started, since 1970")

  static let families = [
    cpu.family, resident.family, anonymous.family, threads.family, openFiles.family,
    mostFiles.family, start.family,
  ]

  /// - Parameter started: when the process did, in milliseconds since 1970.
  /// - Returns: a store that lacks what the kernel does not say.
  static func read(started: Int64) -> MetricStore {
    var store = MetricStore(families)
    store.set(cpu, NoLabels(), to: cpuSeconds)
    let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let fields = StatusFields(status ?? "")
    if let kibibytes = fields["VmRSS"] { store.set(resident, NoLabels(), to: kibibytes * 1_024) }
    if let kibibytes = fields["RssAnon"] { store.set(anonymous, NoLabels(), to: kibibytes * 1_024) }
    if let count = fields["Threads"] { store.set(threads, NoLabels(), to: count) }
    if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      // One of them is the directory that is read.
      store.set(openFiles, NoLabels(), to: Double(files.count - 1))
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      store.set(mostFiles, NoLabels(), to: Double(limit.rlim_cur))
    }
    store.set(start, NoLabels(), to: Double(started) / 1_000)
    return store
  }

  private static var cpuSeconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// The numbers in /proc/PID/status, by name.
struct StatusFields {
  private var numbers: [Substring: Double] = [:]

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard words.count >= 2, let number = Double(words[1]) else { continue }
      numbers[words[0].dropLast()] = number
    }
  }

  subscript(name: Substring) -> Double? { numbers[name] }
}
