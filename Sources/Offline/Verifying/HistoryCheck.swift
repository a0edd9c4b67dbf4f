/// What a look at all of history has found.
package struct HistoryCheck: Sendable {
    /// The first of them, in a sentence each that names the view, the segment, the group or the
    /// block.
    package internal(set) var problems: [String] = []
    package internal(set) var problemCount: UInt64 = 0
    package internal(set) var segments: UInt64 = 0
    package internal(set) var rows: UInt64 = 0
    package internal(set) var blocks: UInt64 = 0

    private static let mostProblems = 100

    mutating func add(_ problem: String) {
        problemCount += 1
        if problems.count < Self.mostProblems { problems.append(problem) }
    }

    mutating func add(_ other: HistoryCheck) {
        problems += other.problems.prefix(max(0, Self.mostProblems - problems.count))
        problemCount += other.problemCount
        segments += other.segments
        rows += other.rows
        blocks += other.blocks
    }
}
