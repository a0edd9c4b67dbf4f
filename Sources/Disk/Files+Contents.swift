package import Domain

/// Whole files.
extension Files {
    private static let pieceBytes = 1 << 20

    /// All bytes of a small file; nil where there is none.
    package static func contents(_ path: String, limit: UInt64) throws(AlulaError) -> [UInt8]? {
        guard let size = try size(path) else { return nil }
        guard size <= limit else { throw .corrupt("\(path) has \(size) bytes, which is too many") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(size))
        try read(path) { (piece: [UInt8]) throws(AlulaError) in
            guard bytes.count + piece.count <= limit else { throw .corrupt("\(path) grows") }
            bytes += piece
        }
        return bytes
    }

    /// Writes a new file whole and durable under its name, or not at all.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(AlulaError) {
        let temporary = path + ".new"
        try remove(temporary)
        do throws(AlulaError) {
            let file = try File.create(temporary)
            try file.write(bytes[...])
            try file.sync()
            try rename(temporary, to: path)
        } catch {
            // The first failure is the one to tell.
            try? remove(temporary)
            throw error
        }
    }

    /// Hands the bytes of a file to the body in pieces of a mebibyte, the last one shorter.
    package static func read(
        _ path: String,
        _ body: ([UInt8]) throws(AlulaError) -> Void
    ) throws(AlulaError) {
        guard let file = try File.open(path) else { throw failure("open", path) }
        // So that what is checked is what the disk has, as far as it is not on its way there.
        file.leaveMemory()
        var offset: UInt64 = 0
        while true {
            let piece = try file.read(upTo: pieceBytes, at: offset)
            guard !piece.isEmpty else { return }
            try body(piece)
            offset += UInt64(piece.count)
        }
    }

    /// As many bytes as `fill` says that it has put into memory for `limit` of them.
    package static func bytes(
        upTo limit: Int,
        _ fill: (UnsafeMutableRawBufferPointer) throws(AlulaError) -> Int
    ) throws(AlulaError) -> [UInt8] {
        var failure: AlulaError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            filled = 0
            do throws(AlulaError) {
                filled = unsafe try fill(UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
