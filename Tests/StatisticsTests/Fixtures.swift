import Domain
import Foundation
import TestSupport

@testable import Statistics

/// Reads a file that `vectors/make.py` wrote with SciPy, Evidently and scikit-learn.
func vectors<Content: Decodable>(_ name: String, as type: Content.Type) throws -> Content {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let file = folder.appendingPathComponent("vectors/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: file))
}

/// Equal to nine digits after the point, or of the greater one.
func isNear(_ found: Double, _ expected: Double, within: Double = 1e-9) -> Bool {
    abs(found - expected) <= within * max(1, abs(expected))
}

/// Numbers of the normal distribution.
func normals(_ count: Int, mean: Double = 0, deviation: Double = 1, seed: UInt64) -> [Double] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in
        let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
        return mean + deviation * radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }
}

func profile(_ column: Column, name: String = "f", step: Int = 8_192) throws -> FeatureProfile {
    try builder(column, name: name, step: step).finish()
}

/// Takes the column in pieces of `step` rows.
func builder(_ column: Column, name: String = "f", step: Int = 8_192) throws -> ProfileBuilder {
    var builder = ProfileBuilder(name: name, type: column.type)
    for start in stride(from: 0, to: column.count, by: step) {
        var piece = ColumnBuilder(column.type)
        for row in start..<min(start + step, column.count) { piece.append(row: row, of: column) }
        builder.add(piece.finish())
    }
    return builder
}

func doubles(_ values: [Double]) -> Column {
    var builder = ColumnBuilder(.float64)
    for value in values { builder.append(fixed: value) }
    return builder.finish()
}
