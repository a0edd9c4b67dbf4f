package import Domain

/// Content of any length on its way into the store in one stream: small content becomes one file,
/// large content is kept in chunks.
///
/// Of one thread at a time.
package final class LargeWriter {
    private let store: ArtifactStore
    private let bytes: UInt64
    private let upload: Upload?
    private let small: ArtifactWriter?

    package init(_ store: ArtifactStore, bytes: UInt64) throws(AlulaError) {
        self.store = store
        self.bytes = bytes
        let isLarge = bytes > UInt64(Limits.artifactPartBytes)
        upload = isLarge ? try store.beginUpload(bytes: bytes) : nil
        small = isLarge ? nil : try store.writer()
    }

    /// Takes all bytes, which `next` gives until there are none, and names them where they have
    /// this digest; else, and on every failure, nothing is kept.
    package func write(
        expecting digest: ContentDigest,
        next: () throws -> [UInt8]?
    ) throws -> ArtifactWriter.Stored {
        do {
            var received: UInt64 = 0
            func counted() throws -> [UInt8]? {
                guard let piece = try next() else { return nil }
                received += UInt64(piece.count)
                guard received <= bytes else {
                    throw AlulaError.invalid(
                        "the artifact is longer than the \(bytes) bytes announced"
                    )
                }
                return piece
            }
            if let small {
                while let piece = try counted() { try small.append(piece) }
                try checkWhole(received)
                return try small.finish(expecting: digest)
            }
            guard let upload else { throw AlulaError(.internal, "there is nothing to write to") }
            try takeParts(upload, counted)
            try checkWhole(received)
            return try store.finish(upload, expecting: digest)
        } catch {
            small?.abandon()
            if let upload { try? store.drop(upload.id) }  // garbage is collected later else
            throw error
        }
    }

    private func checkWhole(_ received: UInt64) throws(AlulaError) {
        guard received == bytes else {
            throw .invalid("the artifact is cut short: \(received) of \(bytes) bytes came")
        }
    }

    private func takeParts(_ upload: Upload, _ next: () throws -> [UInt8]?) throws {
        var rest: ArraySlice<UInt8> = []
        for part in 0..<upload.parts {
            var missing = upload.bytes(of: part)
            try store.putPart(part, of: upload) {
                guard missing > 0 else { return nil }
                if rest.isEmpty { rest = try next()?[...] ?? [] }
                let piece = rest.prefix(missing)
                rest = rest.dropFirst(piece.count)
                missing -= piece.count
                guard !piece.isEmpty else {
                    throw AlulaError.invalid(
                        "the artifact is cut short of its \(upload.bytes) bytes"
                    )
                }
                return piece
            }
        }
        guard rest.isEmpty, try next() == nil else {
            throw AlulaError.invalid("the artifact is longer than the \(bytes) bytes announced")
        }
    }
}
