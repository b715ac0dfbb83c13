import CSpawn
import Console
import Foundation

/// How a child process is started.
struct Spawn: Sendable {
  private let name: String
  private let executable: String
  private let arguments: [String]
  private let output: ChildProcess.Output
  private let environment: [String]
  /// A descriptor that becomes its standard input; `nil` for nothing to read.
  var input: Int32?
  /// One that becomes its standard output and error, instead of `output`.
  var outputDescriptor: Int32?
  /// Whether it outlives this process, in a session of its own.
  var outlives = false

  /// - Parameter removing: environment variables the child must not inherit.
  init(
    _ name: String, executable: String, arguments: [String], output: ChildProcess.Output = .nowhere,
    removing: Set<String> = []
  ) {
    self.name = name
    self.executable =
      executable == ChildProcess.ownExecutable ? Self.resolvedOwnExecutable : executable
    self.arguments = arguments
    self.output = output
    environment = ProcessInfo.processInfo.environment.filter { !removing.contains($0.key) }
      .map { "\($0)=\($1)" }
  }

  /// The program may have another name in the PATH by now, or none.
  private static var resolvedOwnExecutable: String {
    let path = ChildProcess.ownExecutable
    return (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? path
  }

  func start() throws(CommandFailure) -> ChildProcess.Process {
    switch ChildProcess.Process.start(outlives: outlives, { spawn() }) {
    case .success(let process): return process
    case .failure(let error):
      throw CommandFailure(
        .failure, "\(name) can't be started: \(String(cString: strerror(error.code)))")
    }
  }

  private func spawn() -> pid_t {
    Self.withArguments([executable] + arguments) { arguments in
      Self.withArguments(environment) { environment in
        executable.withCString { file in
          Self.withPath(output.path) { path in
            var child = cspawn_child(
              file: file, arguments: arguments, environment: environment, input: input ?? -1,
              output: outputDescriptor ?? -1, output_file: path, outlives_parent: outlives ? 1 : 0)
            return cspawn_start(&child)
          }
        }
      }
    }
  }

  private static func withArguments<R>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    return pointers.withUnsafeBufferPointer { buffer in
      guard let first = buffer.baseAddress else { preconditionFailure("it has its end") }
      return body(first)
    }
  }

  private static func withPath<R>(_ path: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let path else { return body(nil) }
    return path.withCString { body($0) }
  }
}

extension ChildProcess.Output {
  fileprivate var path: String? {
    switch self {
    case .nowhere: "/dev/null"
    case .file(let path): path
    case .inherited: nil
    }
  }
}
