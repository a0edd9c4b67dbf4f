import Glibc

/// Control messages of reads that were granted to a caller: who asks the same again is granted it by a
/// comparison of bytes.
struct GrantedReads: Sendable {
    private var controls: [[UInt8]] = []
    /// Of the catalog they were granted in.
    private var revision: UInt64 = 0

    private static let most = 8
    /// What is longer is looked at anew each time.
    private static let longest = 1_024

    /// Whether this very request was granted before, in this revision of the catalog.
    func has(_ control: UnsafeRawBufferPointer, revision: UInt64) -> Bool {
        guard self.revision == revision, let start = control.baseAddress else { return false }
        return controls.contains { known in
            guard known.count == control.count else { return false }
            return unsafe known.withUnsafeBytes { bytes in
                guard let other = bytes.baseAddress else { return false }
                return unsafe memcmp(other, start, control.count) == 0
            }
        }
    }

    mutating func note(_ control: some Collection<UInt8>, revision: UInt64) {
        guard control.count <= Self.longest else { return }
        if self.revision != revision || controls.count >= Self.most { controls = [] }
        self.revision = revision
        controls.append(Array(control))
    }
}
