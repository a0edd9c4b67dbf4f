import Foundation
import FuzzTargets
import TestSupport
import Testing

/// What the fuzzer starts from, and what it once found, through every target in the ordinary tests.
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "fuzz")

    private static func inputs(_ kind: String, _ target: FuzzTarget) throws -> [(String, [UInt8])] {
        let folder = folder.appending(path: kind).appending(path: target.rawValue)
        guard FileManager.default.fileExists(atPath: folder.path()) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted().map {
            ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0))))
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `no input of the corpus traps, whole, cut short or with a bit flipped`(
        target: FuzzTarget
    ) throws {
        let corpus = try Self.inputs("corpus", target)
        #expect(!corpus.isEmpty)
        var random = SeededRandom(seed: 4)
        for (_, input) in corpus {
            target.run(input)
            for _ in 0..<40 {
                target.run(Array(input.prefix(Int.random(in: 0...input.count, using: &random))))
                guard !input.isEmpty else { continue }
                var changed = input
                let place = Int.random(in: 0..<input.count, using: &random)
                changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                target.run(changed)
            }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `what the fuzzer once found does not trap any more`(target: FuzzTarget) throws {
        for (_, input) in try Self.inputs("found", target) { target.run(input) }
    }
}
