import Dispatch
import Domain
import Glibc
import NIOCore
import Synchronization

/// Threads that blocking work is handed to: at most so many, made as work comes and ended when there has
/// been none for a while.
///
/// Who has worked last works next, so that a server with little to do keeps few stacks and caches
/// warm. One thread is there from the start to the end, so that work goes on where the system
/// gives no more of them.
final class WorkerThreads: Sendable {
    typealias Job = @Sendable () -> Void

    private struct State {
        /// Those that are there, or are being made.
        var threads = 0
        /// Those without work; the last one is the next to get some.
        var idle: [Idle] = []
        /// What waits for a thread; empty while one is idle.
        var waiting = CircularBuffer<Job>()
        var isStopping = false
    }

    /// A thread that waits for work, or to be told that there is none any more.
    private final class Idle: Sendable {
        let woken = DispatchSemaphore(value: 0)
        let job = Mutex<Job?>(nil)
    }

    private let name: String
    private let limit: Int
    /// How long a thread waits for work.
    private let patience: DispatchTimeInterval
    private let state = Mutex(State())
    private let running = DispatchGroup()

    init(_ name: String, limit: Int, patience: DispatchTimeInterval = .seconds(30)) {
        self.name = name
        self.limit = limit
        self.patience = patience
    }

    /// Threads there are now.
    var count: Int { state.withLock { $0.threads } }

    /// Makes the first thread.
    func start() throws(AlulaError) {
        state.withLock { $0.threads += 1 }
        guard begin(nil, staying: true) else {
            state.withLock { $0.threads -= 1 }
            throw AlulaError(
                .resourceExhausted,
                "the system gives the server no thread",
                help: "is there a limit on processes? ulimit -u, or pids.max of the control group"
            )
        }
    }

    /// Has a thread do it, as soon as one of them can; false where they are stopping.
    func submit(_ job: @escaping Job) -> Bool {
        enum Place {
            case refused, queued, new
            case idle(Idle)
        }
        let place = state.withLock { state -> Place in
            if state.isStopping { return .refused }
            if let idle = state.idle.popLast() { return .idle(idle) }
            guard state.threads < limit else {
                state.waiting.append(job)
                return .queued
            }
            state.threads += 1
            return .new
        }
        switch place {
        case .refused: return false
        case .queued: return true
        case .idle(let idle):
            idle.job.withLock { $0 = job }
            idle.woken.signal()
            return true
        case .new:
            if begin(job, staying: false) { return true }
            return queue(job)
        }
    }

    /// Returns when all that was taken is done.
    func stop() async {
        let idle = state.withLock { state in
            state.isStopping = true
            defer { state.idle = [] }
            return state.idle
        }
        for thread in idle { thread.woken.signal() }
        await withCheckedContinuation { continuation in
            running.notify(queue: .global()) { continuation.resume() }
        }
    }

    /// Leaves the job to the threads there are: another one could not be had.
    private func queue(_ job: @escaping Job) -> Bool {
        let idle = state.withLock { state -> Idle? in
            state.threads -= 1
            let idle = state.idle.popLast()
            if idle == nil { state.waiting.append(job) }
            return idle
        }
        idle?.job.withLock { $0 = job }
        idle?.woken.signal()
        return true
    }

    /// Makes a thread that begins with the job; false where the system does not give one.
    private func begin(_ job: Job?, staying: Bool) -> Bool {
        running.enter()
        let body = ThreadBody { [self] in
            ThreadBody.setName(name)
            work(job, staying: staying)
            running.leave()
        }
        guard body.start() else {
            running.leave()
            return false
        }
        return true
    }

    private func work(_ first: Job?, staying: Bool) {
        var job = first
        while true {
            job?()
            // Gone before a wait: it may hold on to what is to be closed.
            job = nil
            switch next() {
            case .job(let found): job = found
            case .end: return
            case .wait(let idle):
                guard wait(idle, staying: staying) else { return }
                job = idle.job.withLock { $0.take() }
                if job == nil { return state.withLock { $0.threads -= 1 } }
            }
        }
    }

    private enum Next {
        case job(Job), wait(Idle), end
    }

    private func next() -> Next {
        state.withLock { state in
            if let job = state.waiting.popFirst() { return .job(job) }
            if state.isStopping {
                state.threads -= 1
                return .end
            }
            let idle = Idle()
            state.idle.append(idle)
            return .wait(idle)
        }
    }

    /// False where nothing came for too long, and the thread is no longer one of them.
    private func wait(_ idle: Idle, staying: Bool) -> Bool {
        guard !staying else {
            idle.woken.wait()
            return true
        }
        guard idle.woken.wait(timeout: .now() + patience) == .timedOut else { return true }
        let hasLeft = state.withLock { state in
            guard let place = state.idle.firstIndex(where: { $0 === idle }) else { return false }
            state.idle.remove(at: place)
            state.threads -= 1
            return true
        }
        // Somebody has chosen it in the moment between.
        if !hasLeft { idle.woken.wait() }
        return !hasLeft
    }
}

/// What a thread does, handed over to the system.
private final class ThreadBody: Sendable {
    private let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }

    /// False where the system gives no thread.
    func start() -> Bool {
        var thread = pthread_t()
        let held = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(
            &thread,
            nil,
            { raw in
                guard let raw = unsafe raw else { return nil }
                unsafe Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            },
            held.toOpaque()
        )
        guard result == 0 else {
            unsafe held.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// For who looks at threads from outside.
    static func setName(_ name: String) {
        guard let set = unsafe nameSetter else { return }
        unsafe name.withCString { _ = unsafe set(pthread_self(), $0) }
    }

    private typealias NameSetter = @convention(c) (pthread_t, UnsafePointer<CChar>) -> Int32

    /// `pthread_setname_np`, which Swift does not import; nil where the C library has none.
    private static let nameSetter: NameSetter? = {
        guard let function = unsafe dlsym(nil, "pthread_setname_np") else { return nil }
        return unsafe unsafeBitCast(function, to: NameSetter.self)
    }()
}
