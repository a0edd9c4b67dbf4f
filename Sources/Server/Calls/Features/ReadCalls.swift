import Codec
import Domain
import NIOCore
import Online
import Wire

extension Dispatcher {
    /// A read that an event loop has left to a worker.
    func read(_ call: Call) throws -> Answer {
        try counting(call) { try readWhole(call) }
    }

    private func readWhole(_ call: Call) throws -> Answer {
        try services.readDesks.with(services) { desk in
            guard let read = try single(call, desk) else {
                return Answer { call in try counting(call) { try stream(call) } }
            }
            let (keys, carried, rows) = try input(of: read, call)
            let fits = rows * read.plan.leastRowBytes <= ReadPieces.singleFrameBytes
            let piece =
                try fits
                ? desk.piece(read, keys: keys, carried: carried, rows: 0..<rows) : nil
            guard let piece else {
                return Answer { call in try counting(call) { try stream(call) } }
            }
            return Answer(
                control: ReadAnswerHead.control(read.answerHead, rows: rows, piece.choice),
                data: piece.data
            )
        }
    }

    /// Over one frame, or of several versions: items of as many rows as fit, then a response that
    /// says how many there were.
    private func stream(_ call: Call) throws -> Answer {
        try services.readDesks.with(services) { desk in
            guard let read = try single(call, desk) else { return try streamShared(call, desk) }
            let (keys, carried, rows) = try input(of: read, call)
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

    /// Version by version, each with the numbers of its rows.
    private func streamShared(_ call: Call, _ desk: ReadDesk) throws -> Answer {
        guard case .shared(let shared) = try prepared(call, desk) else {
            // Shares changed just now.
            throw AlulaError(.unavailable, "who holds the stage has just changed")
        }
        let refusals = try RefusedReads(services, call)
        let groups: Result<[SharedRead.Group], AlulaError> =
            unsafe call.data.withUnsafeReadableBytes { raw in
                Result { () throws(AlulaError) in
                    try unsafe shared.groups(raw) { refusals.add($1, version: $0) }
                }
            }
        var rows = 0
        for group in try groups.get() {
            let read = group.read
            let input = try input(of: read, call)
            let keys = input.keys.map { $0.taking(group.rows[...]) }
            let carried = input.carried.map { $0.taking(group.rows[...]) }
            var head = read.answerHead
            try ReadPieces.each(
                rows: group.rows.count,
                leastRowBytes: max(read.plan.leastRowBytes, ReadPieces.leastNumberedRowBytes)
            ) { range in
                try call.checkEnded()
                let piece = try desk.piece(read, keys: keys, carried: carried, rows: range)
                guard let piece else { return false }
                try call.send(
                    control: ReadAnswerHead.control(
                        head,
                        rowNumbers: group.rows[range],
                        isShadow: group.isShadow,
                        piece.choice
                    ),
                    data: piece.data
                )
                head = read.shortAnswerHead
                return true
            }
            if !group.isShadow { rows += group.rows.count }
        }
        var control = WireReadResponse()
        control.rows = UInt32(rows)
        control.shared = true
        return try Answer(control)
    }

    /// Counts a logged read that is refused, for the one version that it is of.
    private func counting<T>(_ call: Call, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as AlulaError {
            // Why it was refused is told, whether it can be counted or not.
            if error.code != .cancelled { try? RefusedReads(services, call).addWhole() }
            throw error
        }
    }

    /// The read of the one version that all rows meet; nil where they meet several.
    private func single(_ call: Call, _ desk: ReadDesk) throws(AlulaError) -> PreparedRead? {
        switch try prepared(call, desk) {
        case .one(let read): return read
        case .shared(let shared):
            let only: Result<PreparedRead?, AlulaError> =
                unsafe call.data.withUnsafeReadableBytes { raw in
                    Result { () throws(AlulaError) in try unsafe shared.only(raw) }
                }
            return try only.get()
        }
    }

    private func prepared(_ call: Call, _ desk: ReadDesk) throws(AlulaError) -> Prepared {
        let control = Array(call.control.readableBytesView)
        let prepared: Result<Prepared?, AlulaError> = unsafe control.withUnsafeBytes { raw in
            Result { () throws(AlulaError) in
                try unsafe desk.preparedRead(raw, mayBlock: true)
            }
        }
        guard let read = try prepared.get() else {
            throw AlulaError(.internal, "a read could not be prepared")
        }
        return read
    }

    private func input(
        of read: PreparedRead,
        _ call: Call
    ) throws(AlulaError) -> (keys: [Column], carried: [Column], rows: Int) {
        let input: Result<(keys: [Column], carried: [Column], rows: Int), AlulaError> =
            unsafe call.data.withUnsafeReadableBytes { raw in
                Result { () throws(AlulaError) in try unsafe read.input(raw) }
            }
        return try input.get()
    }
}
