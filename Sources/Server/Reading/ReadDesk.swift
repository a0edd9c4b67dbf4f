import Catalog
import Codec
import Domain
import NIOCore
import Online
import Registry
import Served
import Wire

/// Answers reads for one thread: an event loop has one of its own, worker threads take one for the
/// length of a call.
///
/// `@unchecked Sendable`: whoever hands it out gives it to one thread at a time.
final class ReadDesk: @unchecked Sendable {
    /// What a read came to.
    enum Outcome {
        case frame(ByteBuffer)
        /// It has to look on the disk, or is too large to hold up an event loop.
        case elsewhere
    }

    private let services: Services
    private let lane: ReadLane
    private let counts: ReadCounts.Lane
    private var prepared: [[UInt8]: Prepared] = [:]
    private var last: (control: [UInt8], read: Prepared)?

    /// Kinds of reads that one thread remembers.
    private static let mostPrepared = 1_024
    /// Rows of views that an event loop looks up in one go.
    private static let mostLookupsOnLoop = 16_384

    init(_ services: Services) {
        self.services = services
        lane = ReadLane(services.online)
        counts = services.readCounts.lane()
    }

    /// The answer to a READ as a frame, where it can be had from memory and fits one frame.
    ///
    /// Whatever is wrong with the request is left to the worker, which says so.
    func answerFromMemory(
        control: UnsafeRawBufferPointer,
        data: UnsafeRawBufferPointer,
        call: UInt32,
        allocator: ByteBufferAllocator
    ) -> Outcome {
        do throws(AlulaError) {
            let read: PreparedRead
            switch try unsafe preparedRead(control, mayBlock: false) {
            case .one(let found): read = found
            case .shared(let shared):
                guard let only = try unsafe shared.only(data) else { return .elsewhere }
                read = only
            case nil: return .elsewhere
            }
            let (keys, carried, rows) = try unsafe read.input(data)
            guard rows * read.plan.partCount <= Self.mostLookupsOnLoop else { return .elsewhere }
            let now = services.now()
            let isFound = try lane.find(
                read.plan,
                keys: keys,
                rows: 0..<rows,
                now: now,
                tier: .memory
            )
            guard isFound else { return .elsewhere }
            let bytes = try lane.measure(read.plan, carried: carried)
            guard bytes <= ReadPieces.singleFrameBytes else { return .elsewhere }
            counts.add(read.plan, lane, rows: rows)
            let choice = read.served.map {
                services.served.choose($0, keys: keys, rows: 0..<rows, now: now)
            }
            let answer = frame(read, rows: rows, bytes: bytes, choice, call: call, allocator)
            if let choice { keep(choice, of: read, keys, answer, bytes) }
            return .frame(answer)
        } catch {
            return .elsewhere
        }
    }

    private func frame(
        _ read: PreparedRead,
        rows: Int,
        bytes: Int,
        _ choice: ServedChoice?,
        call: UInt32,
        _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let control =
            read.answerHead.count + ReadAnswerHead.rowsBytes(rows)
            + (choice.map(ReadAnswerHead.choiceBytes) ?? 0)
        let padding = (8 - control % 8) % 8
        let payload = control + padding + bytes
        var frame = allocator.buffer(capacity: Frame.headerBytes + payload)
        frame.writeInteger(UInt32(payload), endianness: .little)
        frame.writeInteger(FrameKind.response.rawValue)
        frame.writeInteger(UInt8(0))
        frame.writeInteger(Operation.read.rawValue, endianness: .little)
        frame.writeInteger(call, endianness: .little)
        frame.writeInteger(UInt32(control), endianness: .little)
        frame.writeBytes(read.answerHead)
        ReadAnswerHead.writeRows(rows, to: &frame)
        if let choice { ReadAnswerHead.write(choice, to: &frame) }
        frame.writeRepeatingByte(0, count: padding)
        write(read, bytes, to: &frame)
        return frame
    }

    /// Hands the chosen rows of an answer, whose data are the last bytes of the buffer, to the log.
    private func keep(
        _ choice: ServedChoice,
        of read: PreparedRead,
        _ keys: [Column],
        _ answer: ByteBuffer,
        _ bytes: Int
    ) {
        guard let shape = read.served, !choice.picks.isEmpty else { return }
        unsafe answer.withUnsafeReadableBytes { raw in
            unsafe services.served.keep(
                choice,
                shape,
                keys: keys,
                firstKey: 0,
                answer: .init(rebasing: raw[(raw.count - bytes)...])
            )
        }
    }

    private func write(_ read: PreparedRead, _ bytes: Int, to buffer: inout ByteBuffer) {
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { memory in
            unsafe lane.write(read.plan, into: .init(rebasing: memory[..<bytes]))
            return bytes
        }
    }
}

extension ReadDesk {
    /// The read that a control message asks for; nil where finding out would block and may not.
    func preparedRead(
        _ control: UnsafeRawBufferPointer,
        mayBlock: Bool
    ) throws(AlulaError) -> Prepared? {
        let catalogRevision = services.catalog.revision
        if let last, unsafe last.control.matches(control), isCurrent(last.read, catalogRevision) {
            return last.read
        }
        let key = unsafe Array(control)
        if let known = prepared[key] {
            if isCurrent(known, catalogRevision) {
                last = (key, known)
                return known
            }
            prepared[key] = nil
        }
        last = nil
        guard let read = try prepare(key, mayBlock: mayBlock) else { return nil }
        if prepared.count >= Self.mostPrepared { prepared = [:] }
        prepared[key] = read
        last = (key, read)
        return read
    }

    private func isCurrent(_ prepared: Prepared, _ catalogRevision: UInt64) -> Bool {
        let known: (catalog: UInt64, models: UInt64?) =
            switch prepared {
            case .one(let read): (read.catalogRevision, read.modelsRevision)
            case .shared(let read): (read.catalogRevision, read.modelsRevision)
            }
        guard known.catalog == catalogRevision else { return false }
        guard let revision = known.models else { return true }
        return revision == services.registry.modelsRevision
    }

    private func prepare(
        _ control: [UInt8],
        mayBlock: Bool
    ) throws(AlulaError) -> Prepared? {
        let request = try Messages.decode(WireReadRequest.self, from: control)
        let head = try CallHead(request.head)
        let snapshot = services.catalog.snapshot
        let project = try snapshot.project(head.project)
        let place = ReadPlace(
            plans: services.plans,
            served: services.served,
            snapshot: snapshot,
            project: project
        )
        guard !request.model.isEmpty else {
            guard !request.log else {
                throw .invalid(
                    "a logged read is of a model: service \(request.service) alone has no "
                        + "predictions",
                    help: "read the model by its stage, alias or version"
                )
            }
            return .one(try place.prepare(request))
        }
        guard request.service.isEmpty else {
            throw .invalid("a read names a service or a model: found both")
        }
        let choice = try ServedModels.Choice(request, project: project.name)
        let served = try services.servedModels.answer(choice, mayBlock: mayBlock)
        guard let served else { return nil }
        return try place.prepare(request, choice, served)
    }
}

extension ReadDesk {
    /// Rows of an answer, read from wherever they are, as the data section of a frame of their own;
    /// nil where it would be over the limit of a frame.
    func piece(
        _ read: PreparedRead,
        keys: [Column],
        carried: [Column],
        rows: Range<Int>
    ) throws(AlulaError) -> (data: ByteBuffer, choice: ServedChoice?)? {
        let now = services.now()
        _ = try lane.find(read.plan, keys: keys, rows: rows, now: now, tier: .disk)
        let columns = carried.map { $0.rows(rows) }
        let bytes = try lane.measure(read.plan, carried: columns)
        guard bytes <= ReadPieces.singleFrameBytes else { return nil }
        counts.add(read.plan, lane, rows: rows.count)
        var data = ByteBuffer()
        write(read, bytes, to: &data)
        guard let shape = read.served else { return (data, nil) }
        let keys = keys.map { $0.rows(rows) }
        let choice = services.served.choose(shape, keys: keys, rows: 0..<rows.count, now: now)
        keep(choice, of: read, keys, data, bytes)
        return (data, choice)
    }
}

extension [UInt8] {
    fileprivate func matches(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBytes { unsafe $0.elementsEqual(other) }
    }
}

/// The control message of an answer, whose last field is the number of rows.
enum ReadAnswerHead {
    /// Field 5, a varint.
    private static let rowsTag: UInt8 = 5 << 3

    static func rowsBytes(_ rows: Int) -> Int {
        rows == 0 ? 0 : 1 + max(1, (Int.bitWidth - rows.leadingZeroBitCount + 6) / 7)
    }

    static func writeRows(_ rows: Int, to buffer: inout ByteBuffer) {
        guard rows > 0 else { return }
        buffer.writeInteger(rowsTag)
        writeVarint(rows, to: &buffer)
    }

    private static func writeVarint(_ number: Int, to buffer: inout ByteBuffer) {
        var rest = number
        while rest >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    static func control(_ head: [UInt8], rows: Int, _ choice: ServedChoice? = nil) -> ByteBuffer {
        var buffer = ByteBuffer(bytes: head)
        writeRows(rows, to: &buffer)
        if let choice { write(choice, to: &buffer) }
        return buffer
    }

    /// Field 9, packed, and field 10.
    private static let rowNumbersTag: UInt8 = 9 << 3 | 2
    private static let shadowTag: UInt8 = 10 << 3

    /// That of an answer for these rows of the request.
    static func control(
        _ head: [UInt8],
        rowNumbers: ArraySlice<Int32>,
        isShadow: Bool,
        _ choice: ServedChoice?
    ) -> ByteBuffer {
        var buffer = control(head, rows: rowNumbers.count, choice)
        var numbers = ByteBuffer()
        for number in rowNumbers { writeVarint(Int(number), to: &numbers) }
        buffer.writeInteger(rowNumbersTag)
        writeVarint(numbers.readableBytes, to: &buffer)
        buffer.writeBuffer(&numbers)
        if isShadow {
            buffer.writeInteger(shadowTag)
            buffer.writeInteger(UInt8(1))
        }
        return buffer
    }

    /// Field 7, a fixed64, and field 8, bytes.
    private static let timeTag: UInt8 = 7 << 3 | 1
    private static let loggedTag: UInt8 = 8 << 3 | 2

    static func choiceBytes(_ choice: ServedChoice) -> Int {
        let count = choice.sampled.count
        return 9 + 1 + max(1, (Int.bitWidth - count.leadingZeroBitCount + 6) / 7) + count
    }

    static func write(_ choice: ServedChoice, to buffer: inout ByteBuffer) {
        buffer.writeInteger(timeTag)
        buffer.writeInteger(choice.stamp, endianness: .little)
        buffer.writeInteger(loggedTag)
        writeVarint(choice.sampled.count, to: &buffer)
        buffer.writeBytes(choice.sampled)
    }
}
