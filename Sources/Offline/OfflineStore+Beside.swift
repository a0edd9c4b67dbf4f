package import Domain
package import GRDB

// What other history that stands in the same file goes through, so that one connection writes it.
extension OfflineStore {
    /// Reads in one snapshot.
    package func readBeside<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        try read(body)
    }

    /// Writes in one transaction, durable when this returns.
    package func writeBeside<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        try write(body)
    }

    /// Likewise, leaving nothing of what it deletes in the file; its log of writes is emptied by the
    /// deletion of history.
    package func eraseBeside<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        try writeSecurely(body)
    }
}
