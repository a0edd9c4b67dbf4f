package import Domain
import Foundation
import Glibc
import Synchronization

/// What became of a command.
package enum CommandOutcome: Sendable, Hashable {
    case succeeded
    case failed(code: Int32)
    case ended(bySignal: Int32)
    case timedOut
    /// It was told to stop.
    case stopped
    case notStarted(String)
}

/// A command while it runs, in a process group of its own.
package final class CommandRun: Sendable {
    private enum Phase {
        case running
        /// Told to end, and why.
        case ending(CommandOutcome)
        case ended
    }

    private let process: pid_t
    private let phase = Mutex(Phase.running)
    /// From the polite signal to the last one.
    private let grace: Duration

    /// Starts a program, found as a shell finds it.
    ///
    /// Its standard input is `input`; what it prints goes to standard error. It inherits no other file.
    package init(
        _ words: [String],
        environment: [String: String],
        input: [UInt8],
        grace: Duration = .seconds(5)
    ) throws(AlulaError) {
        self.grace = grace
        let source: CInt
        do throws(Errno) {
            source = try Self.source(of: input)
        } catch {
            throw Self.failure(words, error.code)
        }
        defer { close(source) }
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var process: pid_t = 0
        let code = unsafe Self.withPointers(words) { arguments in
            unsafe Self.withPointers(variables) { variables in
                unsafe Self.spawn(&process, arguments, variables, standardInput: source)
            }
        }
        guard code == 0 else { throw Self.failure(words, code) }
        self.process = process
    }

    /// Waits for its end; what hangs longer than the limit is ended with its process group.
    package func wait(timeout: Duration?) async -> CommandOutcome {
        let timer = timeout.map { limit in
            Task {
                try await Task.sleep(for: limit)
                self.end(as: .timedOut)
            }
        }
        defer { timer?.cancel() }
        return await withCheckedContinuation { continuation in
            // A thread of its own: it blocks for as long as the command runs.
            Thread.detachNewThread { continuation.resume(returning: self.reap()) }
        }
    }

    /// Ends it and its process group: asked first, then without asking.
    package func stop() { end(as: .stopped) }

    private func end(as outcome: CommandOutcome) {
        let isFirst = phase.withLock { phase in
            guard case .running = phase else { return false }
            phase = .ending(outcome)
            kill(-process, SIGTERM)
            return true
        }
        guard isFirst else { return }
        Task {
            try? await Task.sleep(for: grace)
            phase.withLock { phase in
                // As long as it was not reaped nobody else has its number.
                if case .ending = phase { kill(-process, SIGKILL) }
            }
        }
    }

    private func reap() -> CommandOutcome {
        var info = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return phase.withLock { phase in
            var why: CommandOutcome?
            if case .ending(let outcome) = phase {
                why = outcome
                kill(-process, SIGKILL)  // what is left of its group
            }
            phase = .ended
            var status: CInt = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            if let why { return why }
            let signal = status & 0x7f
            guard signal == 0 else { return .ended(bySignal: signal) }
            let code = status >> 8 & 0xff
            return code == 0 ? .succeeded : .failed(code: code)
        }
    }

    private struct Errno: Error {
        let code = errno
    }

    /// A file that gives the bytes and ends, whether anybody reads them or not.
    private static func source(of bytes: [UInt8]) throws(Errno) -> CInt {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw Errno() }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // What a pipe holds depends on how many its user has: it must not be waited for.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let isWhole = write(bytes, to: ends[1]) == bytes.count
        close(ends[1])
        guard !isWhole else { return ends[0] }
        close(ends[0])
        let directory = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var path = Array(
            (directory + "/alula-event-" + String(repeating: "X", count: 6)).utf8CString
        )
        let file = unsafe mkstemp(&path)
        guard file >= 0 else { throw Errno() }
        unsafe unlink(path)
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        guard write(bytes, to: file) == bytes.count, lseek(file, 0, SEEK_SET) == 0 else {
            defer { close(file) }
            throw Errno()
        }
        return file
    }

    private static func write(_ bytes: [UInt8], to file: CInt) -> Int {
        unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
    }

    private static func failure(_ words: [String], _ code: CInt) -> AlulaError {
        .refused(
            "\(words.first ?? "") cannot be started: \(unsafe String(cString: strerror(code)))"
        )
    }
}

extension CommandRun {
    private typealias Words = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>

    private static func spawn(
        _ process: inout pid_t,
        _ arguments: Words,
        _ variables: Words,
        standardInput: CInt
    ) -> CInt {
        guard let program = unsafe arguments[0], let arguments = arguments.baseAddress,
            let variables = variables.baseAddress
        else { return EINVAL }
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, standardInput, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        for file in openFiles() where file > STDERR_FILENO {
            unsafe posix_spawn_file_actions_addclose(&actions, file)
        }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        return unsafe posix_spawnp(
            &process,
            program,
            &actions,
            &attributes,
            arguments,
            variables
        )
    }

    /// One that is gone by the time it is closed is no error.
    private static func openFiles() -> [CInt] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?
            .compactMap { CInt($0) } ?? []  // those of this program close themselves
    }

    /// Texts as C wants them, for as long as the body runs; what is behind a zero byte is left out.
    private static func withPointers<Value>(
        _ texts: [String],
        _ body: (Words) -> Value
    ) -> Value {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0) }
    }
}
