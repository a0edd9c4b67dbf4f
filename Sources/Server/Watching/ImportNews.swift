import Catalog
import Domain
import Ingest
import Logging
import Offline
import Registry

/// Tells who watches of imports that were published.
///
/// The publication is an entry of the log, the event a row of the catalog: the event is written
/// before the publication is acknowledged, once by the import's id, and made up for at the next
/// start where the server was killed, or the catalog could not be written, between the two.
struct ImportNews: Sendable {
    let registry: RegistryStore
    let ingestor: Ingestor
    let offline: OfflineStore
    let catalog: CatalogStore
    let logger: Logger

    /// A catalog that takes no writes does not undo a publication.
    func tell(_ record: OfflineStore.ImportRecord, _ call: WriteCall) {
        let view = catalog.snapshot.view(id: record.descriptor.view)
        do throws(AlulaError) {
            try registry.tell(
                PublishedImport(
                    id: record.id,
                    project: record.descriptor.project,
                    view: view?.name,
                    rows: record.rows,
                    source: record.descriptor.sourceName
                ),
                call: call
            )
        } catch {
            warn(error)
        }
    }

    /// Tells of publications that have no event.
    func makeUp(now: Timestamp) {
        do throws(AlulaError) {
            let told = try registry.toldImports()
            for id in try ingestor.publishedImports() where !told.contains(id) {
                guard let record = try record(id) else { continue }
                tell(
                    record,
                    WriteCall(
                        requestID: [],
                        identity: .server,
                        project: record.descriptor.project,
                        now: now
                    )
                )
            }
        } catch {
            warn(error)
        }
    }

    /// Nil of one that was abandoned.
    private func record(_ id: String) throws(AlulaError) -> OfflineStore.ImportRecord? {
        do throws(AlulaError) {
            return try offline.importRecord(id: id)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func warn(_ error: AlulaError) {
        logger.warning(
            "a published import was not told of: it is when the server starts again",
            metadata: ["error": "\(error)"]
        )
    }
}
