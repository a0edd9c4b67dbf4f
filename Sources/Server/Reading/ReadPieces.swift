import Domain

/// How an answer over one frame is cut: as many rows as fit, halved where a guess was too high.
enum ReadPieces {
    /// Answers up to this size travel in one frame.
    static let singleFrameBytes = Limits.frameBytes - (64 << 10)
    /// Row numbers of an answer take at most three bytes each, beside the data.
    static let leastNumberedRowBytes = 128

    /// Calls `send` for run after run of rows; it answers false where the run does not fit a frame.
    static func each(
        rows: Int,
        leastRowBytes: Int,
        send: (Range<Int>) throws -> Bool
    ) throws {
        var size = max(1, min(Limits.batchRows, singleFrameBytes / max(1, leastRowBytes)))
        var start = 0
        while start < rows {
            let range = start..<min(rows, start + size)
            if try send(range) {
                start = range.upperBound
            } else {
                guard range.count > 1 else {
                    throw AlulaError(
                        .resourceExhausted,
                        "row \(start) of the answer takes more than the \(singleFrameBytes) bytes "
                            + "of a frame",
                        help: "read a service with fewer features",
                        retry: .never
                    )
                }
                size = (range.count + 1) / 2
            }
        }
    }
}
