import ArgumentParser
import Foundation
import SampleData

/// A part of a whole on the command line: `1%` or `0.01`.
struct Share: ExpressibleByArgument, Equatable {
  var value: Double

  init(_ value: Double) {
    self.value = value
  }

  init?(argument: String) {
    let isPercent = argument.hasSuffix("%")
    guard let number = Double(isPercent ? String(argument.dropLast()) : argument) else {
      return nil
    }
    value = isPercent ? number / 100 : number
    guard (0...1).contains(value) else { return nil }
  }

  var defaultValueDescription: String { String(format: "%g%%", value * 100) }
}

extension RatingKey: ExpressibleByArgument {}
