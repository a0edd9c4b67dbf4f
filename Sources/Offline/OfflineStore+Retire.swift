import Domain
import GRDB

extension OfflineStore {
    /// Puts the segments that the merge has staged in the place of those it has read.
    func retire(
        _ view: FeatureViewID,
        merge: Int64,
        piece: LogPiece,
        in db: Database
    ) throws {
        throw AlulaError(
            .internal,
            "log entry \(piece.entry) takes merge \(merge) of view \(view) into history, which this "
                + "version cannot"
        )
    }
}
