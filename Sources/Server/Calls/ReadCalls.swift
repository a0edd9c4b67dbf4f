import Codec
import Domain
import NIOCore
import Online
import Wire

extension Dispatcher {
    /// A read that an event loop has left to a worker.
    func read(_ call: Call) throws -> Answer {
        try services.readDesks.with(services) { desk in
            let (read, keys, carried, rows) = try open(call, desk)
            let fits = rows * read.plan.leastRowBytes <= ReadPieces.singleFrameBytes
            let piece =
                try fits
                ? desk.piece(read, keys: keys, carried: carried, rows: 0..<rows) : nil
            guard let piece else { return Answer { call in try stream(call) } }
            return Answer(
                control: ReadAnswerHead.control(read.answerHead, rows: rows, piece.choice),
                data: piece.data
            )
        }
    }

    /// Over one frame: items of as many rows as fit, then a response that says how many there were.
    private func stream(_ call: Call) throws -> Answer {
        try services.readDesks.with(services) { desk in
            let (read, keys, carried, rows) = try open(call, desk)
            var head = read.answerHead
            try ReadPieces.each(rows: rows, leastRowBytes: read.plan.leastRowBytes) { range in
                try call.checkEnded()
                let piece = try desk.piece(read, keys: keys, carried: carried, rows: range)
                guard let piece else { return false }
                try call.send(
                    control: ReadAnswerHead.control(head, rows: range.count, piece.choice),
                    data: piece.data
                )
                head = read.shortAnswerHead
                return true
            }
            return Answer(control: ReadAnswerHead.control(read.shortAnswerHead, rows: rows))
        }
    }

    private func open(
        _ call: Call,
        _ desk: ReadDesk
    ) throws(AlulaError) -> (read: PreparedRead, keys: [Column], carried: [Column], rows: Int) {
        let control = Array(call.control.readableBytesView)
        let prepared: Result<PreparedRead?, AlulaError> = unsafe control.withUnsafeBytes { raw in
            Result { () throws(AlulaError) in
                try unsafe desk.preparedRead(raw, mayBlock: true)
            }
        }
        guard let read = try prepared.get() else {
            throw AlulaError(.internal, "a read could not be prepared")
        }
        let input: Result<(keys: [Column], carried: [Column], rows: Int), AlulaError> =
            unsafe call.data.withUnsafeReadableBytes { raw in
                Result { () throws(AlulaError) in try unsafe read.input(raw) }
            }
        let (keys, carried, rows) = try input.get()
        return (read, keys, carried, rows)
    }
}
