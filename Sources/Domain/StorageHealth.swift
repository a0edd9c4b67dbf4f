import Synchronization

/// Whether what is written can be trusted to be on disk; the stores of one data directory share it.
///
/// A sync that failed leaves in doubt what the disk has, and another one that succeeds says nothing
/// about it: the system has let go of what it could not write. So the first such failure ends all
/// writing until the directory is opened anew; reads go on.
public final class StorageHealth: Sendable {
    private let first = Mutex<AlulaError?>(nil)
    private let whole: StorageHealth?

    /// `whole` fails with this one, not the other way round: for a store that others do without.
    public init(partOf whole: StorageHealth? = nil) { self.whole = whole }

    /// Why nothing is written any more; nil while all is well.
    public var failure: AlulaError? { first.withLock { $0 } }

    /// Ends all writing; of several reasons the first one stays.
    public func fail(_ reason: AlulaError) {
        first.withLock { $0 = $0 ?? reason }
        whole?.fail(reason)
    }

    /// Throws where nothing is written any more.
    public func check() throws(AlulaError) {
        guard let failure else { return }
        throw .refused(
            "no write is taken since the disk failed: \(failure.message)",
            help:
                "what the disk has is not certain: look at it, then restart the server; reads go on"
        )
    }

    /// Runs what makes something durable; where that fails, nothing is written any more.
    public func durably<Result>(
        _ body: () throws(AlulaError) -> Result
    ) throws(AlulaError) -> Result {
        do throws(AlulaError) {
            return try body()
        } catch {
            fail(error)
            throw error
        }
    }
}
