import Dispatch
import Domain
import Glibc
import Tabular

/// A file that appears under its name when it is complete, and not before.
///
/// `-` is standard output.
final class OutputFile {
    private let path: String
    private let partial: String
    private var descriptor: Int32
    private var isStandardOutput: Bool { path == "-" }
    /// What exists and is no regular file, such as a pipe, is written as it is.
    private let isPlain: Bool
    private var interrupts: [(number: Int32, source: any DispatchSourceSignal)] = []

    init(_ path: String) throws(AlulaError) {
        self.path = path
        var found = stat()
        isPlain = unsafe stat(path, &found) != 0 || found.st_mode & S_IFMT == S_IFREG
        partial = isPlain ? path + ".part" : path
        guard path != "-" else {
            descriptor = STDOUT_FILENO
            return
        }
        descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("cannot write", path) }
        guard isPlain else { return }
        interrupts = [SIGHUP, SIGINT, SIGTERM].compactMap { number in
            Self.clearing(partial, at: number).map { (number, $0) }
        }
    }

    /// Removes what is half written where the process is told to end, and lets it; nil where the
    /// signal is one that who started it has it ignore.
    private static func clearing(
        _ partial: String,
        at number: Int32
    ) -> (any DispatchSourceSignal)? {
        let before = signal(number, SIG_IGN)
        guard unsafe unsafeBitCast(before, to: Int.self) != ignored else { return nil }
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            unsafe unlink(partial)
            signal(number, SIG_DFL)
            // Of the process: threads of queues have signals blocked.
            kill(getpid(), number)
        }
        source.resume()
        return source
    }

    private static let ignored = unsafe unsafeBitCast(SIG_IGN, to: Int.self)

    deinit {
        for interrupt in interrupts {
            interrupt.source.cancel()
            signal(interrupt.number, SIG_DFL)
        }
        guard descriptor >= 0, !isStandardOutput else { return }
        close(descriptor)
        if isPlain { unsafe unlink(partial) }
    }

    func write(_ bytes: [UInt8]) throws(AlulaError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard written >= 0 || errno == EINTR else { throw Self.failure("cannot write", path) }
            rest = rest.dropFirst(max(0, written))
        }
    }

    /// Gives the file its name.
    func finish() throws(AlulaError) {
        guard !isStandardOutput else { return }
        let isClosed = close(descriptor) == 0
        descriptor = -1
        guard isClosed, unsafe !isPlain || rename(partial, path) == 0 else {
            throw Self.failure("cannot write", path)
        }
    }

    private static func failure(_ what: String, _ path: String) -> AlulaError {
        let reason = unsafe String(cString: strerror(errno))
        return .invalid("\(what) \(path): \(reason)")
    }
}

/// Batches written to a file as CSV or NDJSON, as they arrive.
final class BatchFile {
    private let file: OutputFile
    private let format: TabularFormat
    private var writer: TextWriter?
    private(set) var rows: UInt64 = 0

    init(_ path: String, format: TabularFormat?) throws(AlulaError) {
        if let format {
            self.format = format
        } else {
            self.format = path == "-" ? .csv : try TabularFormat(fileName: path)
        }
        file = try OutputFile(path)
    }

    func write(_ batch: RecordBatch) throws(AlulaError) {
        var text: [UInt8] = []
        let writer = start(batch.schema, &text)
        writer.append(batch, to: &text)
        rows += UInt64(batch.rowCount)
        try file.write(text)
    }

    /// Ends the file; without any rows it has the header of `schema`.
    func finish(_ schema: Schema) throws(AlulaError) {
        var text: [UInt8] = []
        _ = start(schema, &text)
        try file.write(text)
        try file.finish()
    }

    private func start(_ schema: Schema, _ text: inout [UInt8]) -> TextWriter {
        if let writer { return writer }
        let writer = TextWriter(format, schema: schema)
        writer.appendHeader(to: &text)
        self.writer = writer
        return writer
    }
}
