import CEpoll
import Client
import Domain
import Glibc
import Wire

/// One thread's part of a load: its connections, and the requests that are due on them.
///
/// With one connection in a closed loop the socket blocks; else epoll says which have answers.
final class LoadThread {
    /// When the load begins to count and when it stops, by the steady clock.
    struct Window: Sendable {
        var start: UInt64
        var end: UInt64
        /// When it gives up waiting for answers.
        var giveUp: UInt64
    }

    private let requests: RequestFrames
    private let window: Window
    private let connections: [LoadConnection]
    private let poller: Int32
    private let scratch = UnsafeMutableRawPointer.allocate(byteCount: scratchBytes, alignment: 64)
    private let decodeEvery: Int
    private var untilSample = 0
    private var decoder: AnswerDecoder
    private var random: RandomStream
    private var counts = LoadCounts()
    /// Connections without a call, longest first; in a closed loop all are busy.
    private var idle: IdleRing
    /// When the next request of an open loop is due, and how many nanoseconds lie between two.
    private var due: Double
    private let interval: Double?

    private var blocks: Bool { interval == nil && connections.count == 1 }

    private static let scratchBytes = 128 << 10
    private static let noSignal = Int32(MSG_NOSIGNAL)
    private static let noWait = Int32(MSG_DONTWAIT)

    /// `number` is the thread's, from 0; its connections are made when this returns.
    init(_ plan: LoadPlan, number: Int, window: Window, begin: UInt64) throws(AlulaError) {
        requests = plan.requests
        self.window = window
        decodeEvery = plan.decodeEvery
        decoder = AnswerDecoder(plan.check)
        random = RandomStream(seed: plan.seed &+ UInt64(number) &* 7_919)
        let count =
            plan.connections / plan.threads + (number < plan.connections % plan.threads ? 1 : 0)
        var made: [LoadConnection] = []
        for _ in 0..<count {
            made.append(
                LoadConnection(
                    descriptor: try Sockets.connect(to: plan.address),
                    largestRequest: plan.requests.largest
                )
            )
        }
        connections = made
        idle = IdleRing(capacity: count)
        switch plan.pace {
        case .closed:
            interval = nil
            due = 0
        case .open(let rate):
            let interval = 1e9 * Double(plan.connections) / (rate * Double(count))
            self.interval = interval
            due = Double(begin) + interval * Double(number) / Double(plan.threads)
        }
        poller = epoll_create1(0)
        guard poller >= 0 else { throw Sockets.failed("epoll_create1") }
        for (index, connection) in connections.enumerated() {
            var event = epoll_event()
            event.events = EPOLLIN.rawValue
            event.data.u64 = UInt64(index)
            guard epoll_ctl(poller, EPOLL_CTL_ADD, connection.descriptor, &event) == 0 else {
                throw Sockets.failed("epoll_ctl")
            }
            // A blocking socket has to look at the clock now and then.
            Sockets.setReceiveTimeout(connection.descriptor, milliseconds: 200)
        }
    }

    deinit {
        scratch.deallocate()
        close(poller)
    }

    /// Throws where the connection is lost, or an answer is not what it must be.
    func run() throws(AlulaError) -> LoadCounts {
        Clock.makeTimersExact()
        let before = Clock.processor()
        if interval == nil {
            for connection in connections { try start(connection, due: Clock.now()) }
        } else {
            for number in connections.indices { idle.append(number) }
        }
        if blocks { try runBlocking() } else { try runPolling() }
        counts.processorNanoseconds = Clock.processor() - before
        counts.statuses = decoder.counts
        return counts
    }

    private func runBlocking() throws(AlulaError) {
        let connection = connections[0]
        while Clock.now() < window.end, connection.isBusy {
            _ = try receive(connection, flags: 0)
        }
    }

    private func runPolling() throws(AlulaError) {
        var events = [epoll_event](repeating: epoll_event(), count: max(1, connections.count))
        while true {
            let now = Clock.now()
            try startDue(now)
            guard try !isDone(now) else { return }
            var time = wait(now)
            let ready = epoll_pwait2(poller, &events, Int32(events.count), &time, nil)
            guard ready >= 0 || errno == EINTR else { throw Sockets.failed("epoll_pwait2") }
            for index in 0..<Int(max(0, ready)) {
                let number = Int(events[index].data.u64)
                let connection = connections[number]
                if events[index].events & EPOLLOUT.rawValue != 0 { try sendOn(connection, number) }
                if events[index].events & ~EPOLLOUT.rawValue != 0,
                    try receive(connection, flags: Self.noWait), !connection.isBusy
                {
                    idle.append(number)
                }
            }
        }
    }

    /// Sends what is due in an open loop, as far as there are connections without a call.
    private func startDue(_ now: UInt64) throws(AlulaError) {
        guard let interval else { return }
        while due <= Double(now), due < Double(window.end), let number = idle.popFirst() {
            try start(connections[number], due: UInt64(due), number)
            due += interval
        }
    }

    private func isDone(_ now: UInt64) throws(AlulaError) -> Bool {
        guard now >= window.end else { return false }
        guard interval != nil else { return true }
        if due >= Double(window.end), idle.count == connections.count { return true }
        guard now >= window.giveUp else { return false }
        counts.unanswered += UInt64(connections.count - idle.count)
        if let interval, due < Double(window.end) {
            counts.unanswered += UInt64((Double(window.end) - due) / interval)
        }
        return true
    }

    /// How long to wait for an answer before something else is due.
    private func wait(_ now: UInt64) -> timespec {
        var nanoseconds: UInt64 = 100_000_000
        if interval != nil, idle.count > 0, due < Double(window.end) {
            nanoseconds = min(nanoseconds, UInt64(max(0, due - Double(now))))
        }
        return timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
    }
}

extension LoadThread {
    /// Puts a request together and sends it.
    private func start(
        _ connection: LoadConnection,
        due: UInt64,
        _ number: Int = 0
    ) throws(AlulaError) {
        let templates = requests.templates
        let template =
            templates.count == 1 ? 0 : Int(random.below(UInt64(templates.count)))
        connection.call += 1
        fill(connection, templates[template])
        connection.begun = due
        connection.isBusy = true
        connection.sentBytes = 0
        if untilSample == 0 {
            connection.isSample = true
            untilSample = decodeEvery
        } else {
            connection.isSample = false
        }
        untilSample -= 1
        try sendOn(connection, number)
    }

    @inline(__always)
    private func fill(_ connection: LoadConnection, _ template: RequestFrames.Template) {
        let request = connection.request
        // One template with nothing of variable length is already there from the last time.
        if requests.templates.count > 1 || connection.requestBytes == 0 {
            template.bytes.withUnsafeBytes {
                if let base = $0.baseAddress {
                    request.copyMemory(from: base, byteCount: $0.count)
                }
            }
            connection.requestBytes = template.bytes.count
        }
        request.storeBytes(
            of: connection.call.littleEndian,
            toByteOffset: RequestFrames.callOffset,
            as: UInt32.self
        )
        if let ids = template.ids, let table = requests.table {
            table.fill(request + ids, count: requests.rows, &random)
        }
        if let times = template.times {
            let now = Clock.microsecondsSince1970().littleEndian
            for row in 0..<requests.rows {
                request.storeBytes(of: now, toByteOffset: times + 8 * row, as: Int64.self)
            }
        }
        if let id = template.requestID {
            request.storeBytes(of: random.next(), toByteOffset: id, as: UInt64.self)
            request.storeBytes(of: random.next(), toByteOffset: id + 8, as: UInt64.self)
        }
    }

    /// Sends what the socket takes; epoll tells when it takes more.
    private func sendOn(_ connection: LoadConnection, _ number: Int) throws(AlulaError) {
        let wasPartly = connection.sentBytes > 0
        while connection.sentBytes < connection.requestBytes {
            let count = send(
                connection.descriptor,
                connection.request + connection.sentBytes,
                connection.requestBytes - connection.sentBytes,
                Self.noSignal | (blocks ? 0 : Self.noWait)
            )
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { break }
            guard count >= 0 else { throw Sockets.failed("send a request") }
            connection.sentBytes += count
        }
        let isPartly = connection.sentBytes < connection.requestBytes
        guard isPartly != wasPartly || isPartly, !blocks else { return }
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (isPartly ? EPOLLOUT.rawValue : 0)
        event.data.u64 = UInt64(number)
        guard epoll_ctl(poller, EPOLL_CTL_MOD, connection.descriptor, &event) == 0 else {
            throw Sockets.failed("epoll_ctl")
        }
    }

    /// Takes what has arrived; true where the call has ended.
    ///
    /// In a closed loop the next one has begun then.
    private func receive(_ connection: LoadConnection, flags: Int32) throws(AlulaError) -> Bool {
        let count = recv(connection.descriptor, scratch, Self.scratchBytes, flags)
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return false }
            if count < 0 { throw Sockets.failed("receive an answer") }
            throw AlulaError(.unavailable, "the server closed the connection under load")
        }
        counts.bytesReceived += UInt64(count)
        var at = 0
        var isBroken = false
        while at < count {
            let ended = connection.take(scratch, &at, upTo: count, isBroken: &isBroken)
            guard !isBroken else {
                throw AlulaError(.dataLoss, "the server's answer is no frame of the call")
            }
            switch ended {
            case nil: continue
            case .item: try takeItem(connection)
            case .response, .failure: return try end(connection, ended == .failure)
            }
        }
        return false
    }

    private func end(_ connection: LoadConnection, _ hasFailed: Bool) throws(AlulaError) -> Bool {
        let now = Clock.now()
        connection.isBusy = false
        counts.received += 1
        // Closed loops count answers that come in the time, open loops requests that are due in it.
        let moment = interval == nil ? now : connection.begun
        let counting = moment >= window.start && moment < window.end
        if hasFailed {
            decoder.drop()
            let failure = try Failures.decode(connection.control)
            guard failure.retry == .sameRequest else { throw failure }
            counts.fail(failure)
        } else {
            if counting { counts.record(now - connection.begun) }
            if connection.isSample {
                try decoder.takeResponse(connection.control, connection.data)
            }
        }
        if interval == nil, now < window.end { try start(connection, due: Clock.now()) }
        return true
    }

    /// Gives back the credit of a piece of a large answer.
    private func takeItem(_ connection: LoadConnection) throws(AlulaError) {
        if connection.isSample { try decoder.takeItem(connection.control, connection.data) }
        let grant = try Failures.window(
            bytes: connection.payloadBytes,
            operation: requests.operation,
            call: connection.call
        )
        guard send(connection.descriptor, grant, grant.count, Self.noSignal) == grant.count else {
            throw Sockets.failed("send a window")
        }
    }
}

/// The numbers of some connections, first in, first out.
private struct IdleRing {
    private var numbers: [Int]
    private var first = 0
    private(set) var count = 0

    init(capacity: Int) { numbers = [Int](repeating: 0, count: max(1, capacity)) }

    mutating func append(_ number: Int) {
        numbers[(first + count) % numbers.count] = number
        count += 1
    }

    mutating func popFirst() -> Int? {
        guard count > 0 else { return nil }
        defer { first = (first + 1) % numbers.count }
        count -= 1
        return numbers[first]
    }
}
