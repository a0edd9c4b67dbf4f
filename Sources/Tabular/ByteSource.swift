package import Domain
import Glibc

/// Bytes that are read piece by piece, and the name of where they come from, for messages.
package struct ByteSource {
    /// Bytes of a piece.
    package static let pieceBytes = 1 << 20

    package let name: String
    private let read: () throws(AlulaError) -> [UInt8]

    /// `read` gives the next piece, and an empty one at the end.
    package init(name: String, read: @escaping () throws(AlulaError) -> [UInt8]) {
        self.name = name
        self.read = read
    }

    package func next() throws(AlulaError) -> [UInt8] { try read() }

    /// Opens a file; it is closed when the source goes.
    package static func file(_ path: String) throws(AlulaError) -> ByteSource {
        let file = try OpenFile(path: path)
        return ByteSource(name: path) { () throws(AlulaError) in
            try file.read(atMost: pieceBytes)
        }
    }

    /// What comes in on standard input.
    package static func standardInput() -> ByteSource {
        let file = OpenFile(descriptor: STDIN_FILENO, name: "standard input")
        return ByteSource(name: file.name) { () throws(AlulaError) in
            try file.read(atMost: 64 << 10)
        }
    }

    /// Bytes at hand, in pieces of `pieceBytes`.
    package static func bytes(
        _ bytes: [UInt8],
        name: String,
        pieceBytes: Int = ByteSource.pieceBytes
    ) -> ByteSource {
        var rest = bytes[...]
        return ByteSource(name: name) { () throws(AlulaError) in
            let piece = rest.prefix(pieceBytes)
            rest = rest.dropFirst(pieceBytes)
            return Array(piece)
        }
    }
}

/// A file descriptor that is closed with its last user.
private final class OpenFile {
    let name: String
    private let descriptor: Int32
    private let isOwned: Bool

    init(path: String) throws(AlulaError) {
        name = path
        isOwned = true
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("cannot open", path) }
    }

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        isOwned = false
    }

    deinit {
        if isOwned, descriptor >= 0 { close(descriptor) }
    }

    func read(atMost count: Int) throws(AlulaError) -> [UInt8] {
        while true {
            var got = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                got = unsafe Glibc.read(descriptor, buffer.baseAddress, count)
                filled = max(0, got)
            }
            if got >= 0 { return piece }
            guard errno == EINTR else { throw Self.failure("cannot read", name) }
        }
    }

    private static func failure(_ what: String, _ path: String) -> AlulaError {
        let reason = unsafe String(cString: strerror(errno))
        return .invalid("\(what) \(path): \(reason)")
    }
}

/// The bytes of a source one after the other, with a bounded buffer.
struct ByteReader {
    let source: ByteSource
    private var piece: [UInt8] = []
    private var position = 0
    private var before: UInt64 = 0

    /// Skips a byte order mark.
    init(_ source: ByteSource) throws(AlulaError) {
        self.source = source
        while piece.count < 3 {
            let more = try source.next()
            if more.isEmpty { break }
            piece += more
        }
        if piece.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Bytes given out so far.
    var bytesRead: UInt64 { before + UInt64(position) }

    /// The next byte; nil at the end.
    @inline(__always)
    mutating func next() throws(AlulaError) -> UInt8? {
        if position == piece.count {
            guard try refill() else { return nil }
        }
        defer { position += 1 }
        return piece[position]
    }

    /// The next byte, which stays.
    mutating func peek() throws(AlulaError) -> UInt8? {
        if position == piece.count {
            guard try refill() else { return nil }
        }
        return piece[position]
    }

    /// Appends the rest of the line, without its end; false where nothing is left.
    ///
    /// A line of more than `limit` bytes is an error.
    mutating func line(into line: inout [UInt8], limit: Int) throws(AlulaError) -> LineEnd {
        var found = false
        while true {
            if position == piece.count {
                guard try refill() else { return found ? .line : .end }
            }
            found = true
            let end = piece[position...].firstIndex(of: 0x0A) ?? piece.count
            guard line.count + end - position <= limit else { return .tooLong }
            line.append(contentsOf: piece[position..<end])
            position = end
            if end < piece.count {
                position += 1
                return .line
            }
        }
    }

    enum LineEnd { case line, end, tooLong }

    private mutating func refill() throws(AlulaError) -> Bool {
        before += UInt64(piece.count)
        position = 0
        piece = try source.next()
        return !piece.isEmpty
    }
}
