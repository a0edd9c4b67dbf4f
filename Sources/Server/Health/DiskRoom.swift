import Domain

/// Keeps a part of the data disk free: what would take room is refused before it begins, while there
/// is enough for what was taken already, for merges and for what gives room back.
struct DiskRoom: Sendable {
    let directory: DataDirectory
    /// Bytes that stay free (disk-reserve-bytes).
    let reserve: Int

    /// Throws where the disk has no room for so many bytes more.
    func require(_ bytes: UInt64 = 0, for what: String) throws(AlulaError) {
        // Nil where the system does not say.
        guard let free = directory.freeBytesIfKnown else { return }
        let needed = UInt64(reserve).addingReportingOverflow(bytes)
        guard needed.overflow || free < needed.partialValue else { return }
        throw Self.refusal(of: what, bytes, free: free, reserve: UInt64(reserve))
    }

    /// Why nothing that takes room is begun; nil while there is some.
    var shortage: AlulaError? {
        do throws(AlulaError) {
            try require(for: "a write")
            return nil
        } catch {
            return error
        }
    }

    static func refusal(
        of what: String,
        _ bytes: UInt64,
        free: UInt64,
        reserve: UInt64
    ) -> AlulaError {
        let missing = reserve.addingReportingOverflow(bytes).partialValue &- free
        return AlulaError(
            .resourceExhausted,
            "the data disk is full: \(size(free)) are left, \(size(reserve)) are kept free "
                + "(disk-reserve-bytes)"
                + (bytes == 0 ? "" : ", and \(what) takes \(size(bytes))"),
            help:
                "free or add \(size(missing)) at least; writes are taken again at once, and reads "
                + "go on"
        )
    }

    private static func size(_ bytes: UInt64) -> String {
        bytes < 10 << 20 ? "\(bytes) bytes" : "\(bytes >> 20) MiB"
    }
}
