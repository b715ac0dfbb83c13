import Codecs
import Foundation
import Ratings
package import Recommender

/// A model as the files of an MLflow model, which Python loads with NumPy alone.
package struct ModelArtifact {
  /// One file. Its bytes are made whenever they are asked for: all of them at once may not fit.
  struct File {
    /// In the model's folder.
    var path: String
    var bytes: () -> [UInt8]
  }

  /// Proxied uploads of larger files run into timeouts: https://github.com/mlflow/mlflow/issues/7564
  package static let mostBytes = 64 << 20

  /// The folder of the run's artifacts that they are in.
  static let folder = "model"

  private let model: FactorModel
  private let run: String
  private let milliseconds: Int64
  private let titles: [Int64: String]
  private let limit: Int

  /// - Parameters:
  ///   - run: the id of MLflow's run.
  ///   - milliseconds: when the model was published.
  ///   - titles: by movie, for the lists.
  ///   - limit: the most bytes of a file.
  package init(
    _ model: FactorModel, run: String, milliseconds: Int64, titles: [Int64: String],
    limit: Int = mostBytes
  ) {
    self.model = model
    self.run = run
    self.milliseconds = milliseconds
    self.titles = titles
    self.limit = limit
  }

  /// All files in the order in which they are sent: what makes the folder a model comes last.
  var files: [File] {
    let content =
      data + [
        File(path: "code/projectionist_model.py") { PackageResources.projectionist_model_py },
        File(path: "requirements.txt") { Array("mlflow\nnumpy\n".utf8) },
        File(path: "README.md") { [self] in Array(readme.utf8) },
        File(path: "lists.json") { [self] in lists },
      ]
    let manifest = File(path: "manifest.json") { Self.manifest(of: content) }
    return content + [manifest, File(path: "MLmodel") { [self] in Array(description.utf8) }]
  }

  // MARK: Data

  private var data: [File] {
    let contents = model.contents
    let neighbours = contents.neighbours
    let k = model.factorCount
    let metadata = File(path: "data/metadata.json") { [model] in
      var writer = JSONWriter()
      model.metadata.write(to: &writer)
      return writer.copyBytes()
    }
    return [
      metadata,
      File(path: "data/prior.npy") { NumPyArray.file(contents.prior[...]) },
    ]
      + pieces("data/movies", contents.movies)
      + pieces("data/factors", contents.factors, columns: k)
      + pieces("data/scales", contents.scales)
      + pieces("data/neighbour_starts", neighbours.starts.map { Int64($0) })
      + pieces("data/neighbour_rows", neighbours.columns)
      + pieces("data/neighbour_weights", neighbours.weights)
  }

  /// One array as files that are not too large: `factors-000.npy` and so on.
  private func pieces<Value: NumPyArray.Element>(
    _ name: String, _ elements: [Value], columns: Int? = nil
  ) -> [File] {
    let header = 128
    let row = max(columns ?? 1, 1)
    let rows = max(1, (limit - header) / (MemoryLayout<Value>.stride * row))
    // Also an array without elements is a file.
    return stride(from: 0, to: max(elements.count, 1), by: rows * row).enumerated().map {
      number, start in
      let digits = String(number)
      let suffix = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
      return File(path: "\(name)-\(suffix).npy") {
        NumPyArray.file(
          elements[start..<min(start + rows * row, elements.count)], columns: columns)
      }
    }
  }

  /// The files with their lengths and digests, for whoever loads them.
  private static func manifest(of files: [File]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("files")
    writer.beginArray()
    for file in files {
      let bytes = file.bytes()
      writer.beginObject()
      writer.key("path")
      writer.string(file.path)
      writer.key("bytes")
      writer.integer(bytes.count)
      writer.key("sha256")
      writer.string(SHA256.hex(of: bytes))
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return writer.copyBytes()
  }

  // MARK: Lists

  /// The sample of lists, with titles.
  private var lists: [UInt8] {
    var writer = JSONWriter()
    writer.beginArray()
    for sample in model.metadata.samples {
      writer.beginObject()
      writer.key("user_id")
      writer.integer(sample.user)
      writer.key("ratings")
      writer.beginArray()
      for rating in sample.ratings {
        begin(rating.movie, &writer)
        writer.key("rating")
        writer.double(rating.rating.rating.stars)
        writer.key("timestamp")
        writer.double(Double(rating.rating.timeMilliseconds) / 1000)
        writer.endObject()
      }
      writer.endArray()
      writer.key("recommendations")
      writer.beginArray()
      for movie in sample.recommended {
        begin(movie.movie, &writer)
        writer.key("score")
        writer.double(movie.score)
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    writer.endArray()
    return writer.copyBytes()
  }

  private func begin(_ movie: Int64, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("movie_id")
    writer.integer(movie)
    if let title = titles[movie] {
      writer.key("title")
      writer.string(title)
    }
  }

  // MARK: Texts

  /// `MLmodel`: https://mlflow.org/docs/latest/ml/model/#storage-format
  private var description: String {
    """
    artifact_path: \(Self.folder)
    flavors:
      python_function:
        code: code
        data: data
        loader_module: projectionist_model
    metadata:
      projectionist_version: "\(model.version)"
    model_uuid: "\(uuid)"
    run_id: "\(run)"
    signature:
      inputs: null
      outputs: null
      params: '\(Self.parameters)'
    utc_time_created: '\(time)'

    """
  }

  /// What `predict` takes besides ratings; MLflow drops parameters that are not named here.
  private static let parameters =
    #"[{"name": "num_recommendations", "dtype": "long", "type": "long", "default": 10,"#
    + #" "shape": null},"#
    + #" {"name": "at", "dtype": "double", "type": "double", "default": -1.0, "shape": null},"#
    + #" {"name": "exclude_rated", "dtype": "boolean", "type": "boolean", "default": true,"#
    + #" "shape": null}]"#

  /// The description as JSON, for the run's page.
  var json: String {
    let fields: JSONField = [
      "artifact_path": .text(Self.folder), "run_id": .text(run), "model_uuid": .text(uuid),
      "utc_time_created": .text(time),
      "flavors": [
        "python_function": ["loader_module": "projectionist_model", "code": "code", "data": "data"]
      ],
    ]
    return String(decoding: fields.bytes, as: UTF8.self)
  }

  /// The same for the same run, as is everything here: a file that is there need not be sent.
  private var uuid: String {
    String(SHA256.hex(of: Array("\(run)/\(model.version)".utf8)).prefix(32))
  }

  private var time: String {
    let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    return date.formatted(
      .iso8601.year().month().day().dateSeparator(.dash).dateTimeSeparator(.space)
        .time(includingFractionalSeconds: true))
  }

  private var readme: String {
    let metadata = model.metadata
    let settings = metadata.parameters.settings.map { "| \($0.name) | \($0.value) |" }
    return """
      # Model \(model.version)

      Trained by projectionist on \(metadata.ratings) ratings of \(metadata.movies) movies by \
      \(metadata.users) users, up to the offsets \(metadata.offsetsText) of validated-ratings. The \
      newest rating is of \(Self.day(metadata.newestRatingMilliseconds)).

      ## Recommendations

          import mlflow, pandas
          model = mlflow.pyfunc.load_model("models:/NAME@serving")
          ratings = pandas.DataFrame({"user_id": [1, 1], "movie_id": [260, 1210],
                                      "rating": [5.0, 4.5], "timestamp": [1700000000, 1700000060]})
          model.predict(ratings, params={"num_recommendations": 10})

      A user's ratings are one row each, with the time in seconds since 1970. The answer has a row \
      for each recommended movie: user_id, rank, movie_id and score. Other parameters: `at`, the \
      moment to recommend for in seconds since 1970, by default that of the user's last rating; \
      `exclude_rated`, by default true. A user of whose movies the model knows none has no rows: the \
      daemon answers by popularity then. The scores are the daemon's, which also leaves out movies \
      that are not in its catalog. Only NumPy is needed; `manifest.json` has the SHA-256 of each \
      file, which is checked when the model is loaded.

      `lists.json` has some users' ratings and what the model recommends after the last of them.

      ## Settings

      | setting | value |
      |---|---|
      \(settings.joined(separator: "\n"))

      Which model serves is decided on the log, not here: `projectionist models promote \
      \(model.version)`. An alias that is moved by hand is put back.

      """
  }

  private static func day(_ milliseconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
  }
}
