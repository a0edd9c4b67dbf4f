import CRocksDB
import Domain

typealias ErrorSlot = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Runs a C call that reports through an error slot; throws what it reports.
///
/// `doing` completes the sentence "the online store could not ...".
func checked<Result>(
    _ doing: String,
    _ call: (ErrorSlot) -> Result
) throws(AlulaError) -> Result {
    var message: UnsafeMutablePointer<CChar>?
    let result = call(&message)
    guard let message else { return result }
    defer { rocksdb_free(message) }
    throw .rocksDB(doing, String(cString: message))
}

extension AlulaError {
    /// An error of RocksDB by its status word, which opens the message.
    static func rocksDB(_ doing: String, _ status: String) -> AlulaError {
        let text = "the online store could not \(doing): \(status)"
        if status.hasPrefix("Corruption") { return .corrupt(text) }
        if status.contains("LOCK") || status.contains("lock ") {
            return .refused(
                text,
                help: "another process has this data directory open: stop it first"
            )
        }
        if status.contains("No space left") {
            return AlulaError(
                .resourceExhausted,
                text,
                help: "make room on the disk, then restart the server"
            )
        }
        return AlulaError(.internal, text)
    }
}
