/// What an artifact is, by the ending of its name and, where its bytes tell, by them.
package struct ArtifactKind: Sendable, Hashable, CustomStringConvertible {
    /// Such as `onnx`, `safetensors`, `json`; `pickle` for all that runs code when it is loaded by
    /// Python's pickle.
    package let text: String

    /// Takes a kind or an ending, `pickle` or `.pkl`; nil where it is neither.
    package init?(_ text: String) {
        let ending = text.hasPrefix(".") ? String(text.dropFirst()) : text
        guard (1...32).contains(ending.utf8.count), ending.utf8.allSatisfy(Self.isPlain) else {
            return nil
        }
        let lower = ending.lowercased()
        self.text = Self.pickleEndings.contains(lower) ? "pickle" : lower
    }

    private init(trusted text: String) { self.text = text }

    package static let pickle = ArtifactKind(trusted: "pickle")

    package var description: String { text }

    /// Nil where neither the name nor the first bytes tell.
    ///
    /// Bytes that are a pickle win over a name that says otherwise: protocol 2 and later begin
    /// with 0x80 and the protocol, and PyTorch's archives hold `data.pkl` as their first entry.
    package static func of(name: String, firstBytes: [UInt8]) -> ArtifactKind? {
        if isPickle(firstBytes) { return .pickle }
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
        return ArtifactKind(String(name[name.index(after: dot)...]))
    }

    private static let pickleEndings: Set<String> = [
        "pickle", "pkl", "pck", "p", "joblib", "jbl", "dill", "cloudpickle", "sav", "pt", "pth",
        "ckpt",
    ]

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
    }

    private static func isPickle(_ bytes: [UInt8]) -> Bool {
        if bytes.count >= 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) { return true }
        let zip: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
        // https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7: the name's length at 26.
        guard bytes.count > 30, Array(bytes.prefix(4)) == zip else { return false }
        let length = Int(bytes[26]) | Int(bytes[27]) << 8
        let name = String(decoding: bytes[30...].prefix(length), as: UTF8.self)
        return name.hasSuffix("data.pkl")
    }
}
