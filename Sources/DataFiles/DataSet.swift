import Archives
import Glibc

/// A file of ratings, and one of movies if there is one: a MovieLens download, or anything like it.
package struct DataSet: Hashable, Sendable {
  package let ratings: DataFile
  /// `nil` when only a file of ratings is given.
  package let movies: DataFile?
  /// What is there and not read, and why, for people.
  package let note: String?

  /// How deep a data set may lie in a directory.
  private static let depth = 4
  /// Files looked at for one.
  private static let mostFiles = 10_000

  /// - Parameter path: a directory, an archive, or a file of ratings.
  package init(path: String) throws(DataFileError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let file = DataFile(path: path)
    var status = stat()
    guard stat(path, &status) == 0 else { throw file.error(String(cString: strerror(errno))) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: self = try Self.inDirectory(path)
    case S_IFREG: self = try Self.inFile(file)
    default:
      throw file.error("files are read twice, which a pipe or device can't be: save it as a file")
    }
  }

  private init(ratings: DataFile, movies: DataFile? = nil, note: String? = nil) {
    self.ratings = ratings
    self.movies = movies
    self.note = note
  }

  private static func inDirectory(_ path: String) throws(DataFileError) -> DataSet {
    switch DataSetFinder.find(try files(in: path)) {
    case .none(let reason): throw DataFile(path: path).error(reason)
    case .found(let found):
      func file(_ name: String) throws(DataFileError) -> DataFile {
        try packed(DataFile(path: "\(path)/\(name)")) ?? DataFile(path: "\(path)/\(name)")
      }
      return DataSet(
        ratings: try file(found.ratings),
        movies: try found.movies.map { name throws(DataFileError) in try file(name) },
        note: found.note)
    }
  }

  private static func inFile(_ file: DataFile) throws(DataFileError) -> DataSet {
    switch try kind(of: file) {
    case .plain: return DataSet(ratings: file, note: note(nextTo: file))
    case .foreign(let what): throw file.error(what)
    case .archive, .compressed:
      let entries = try entries(of: file)
      if entries == [""] {
        return DataSet(
          ratings: DataFile(path: file.path, entry: ""), note: note(nextTo: file))
      }
      switch DataSetFinder.find(entries) {
      case .none(let reason): throw file.error(reason)
      case .found(let found):
        return DataSet(
          ratings: DataFile(path: file.path, entry: found.ratings),
          movies: found.movies.map { DataFile(path: file.path, entry: $0) }, note: found.note)
      }
    }
  }

  /// A single file is read alone, also if movies lie next to it.
  private static func note(nextTo file: DataFile) -> String? {
    let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
    let directory = parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
    // A directory that can't be listed has nothing to note.
    let names = (try? files(in: directory, depth: 1)) ?? []
    return DataSetFinder.movies(nextTo: String(parts.last ?? ""), among: names).map {
      "\($0) next to it is not loaded: pass the directory to load both"
    }
  }

  /// A file of a directory that is compressed; `nil` for a plain one.
  private static func packed(_ file: DataFile) throws(DataFileError) -> DataFile? {
    switch try kind(of: file) {
    case .plain: return nil
    case .foreign(let what): throw file.error(what)
    case .archive: throw file.error("it is an archive: pass it instead of its directory")
    case .compressed: return DataFile(path: file.path, entry: "")
    }
  }

  private static func kind(of file: DataFile) throws(DataFileError) -> FileKind {
    guard let stream = fopen(file.path, "rb") else {
      throw file.error(String(cString: strerror(errno)))
    }
    defer { fclose(stream) }
    var head = [UInt8](repeating: 0, count: 512)
    head.removeLast(head.count - fread(&head, 1, head.count, stream))
    return FileKind(head: head)
  }

  private static func entries(of file: DataFile) throws(DataFileError) -> [String] {
    do throws(ArchiveError) {
      let archive = try ArchiveReader(path: file.path)
      var paths: [String] = []
      while let entry = try archive.next() { paths.append(entry.path) }
      return paths
    } catch { throw file.error("it can't be unpacked: \(error)") }
  }

  /// Relative paths of the regular files below a directory, but not in hidden ones.
  private static func files(in directory: String, depth: Int = depth) throws(DataFileError)
    -> [String]
  {
    var found: [String] = []
    var pending = [""]
    for _ in 0..<depth {
      var deeper: [String] = []
      for place in pending {
        guard let stream = opendir("\(directory)/\(place)") else {
          // What lies deeper may be somebody else's.
          if place.isEmpty {
            throw DataFile(path: directory).error(String(cString: strerror(errno)))
          }
          continue
        }
        defer { closedir(stream) }
        while let entry = readdir(stream), found.count < mostFiles {
          let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
          }
          guard !name.hasPrefix(".") else { continue }
          let path = place + name
          var status = stat()
          guard stat("\(directory)/\(path)", &status) == 0 else { continue }
          if status.st_mode & S_IFMT == S_IFDIR {
            deeper.append(path + "/")
          } else if status.st_mode & S_IFMT == S_IFREG {
            found.append(path)
          }
        }
      }
      pending = deeper
    }
    return found
  }
}
