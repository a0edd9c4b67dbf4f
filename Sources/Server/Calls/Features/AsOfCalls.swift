import Domain
import Ingest
import Offline
import Registry
import Wire

extension Dispatcher {
    /// The last log entry that is seen as of this point, applied to history; the last acknowledged
    /// one where none is named.
    func logEntry(asOf: WireAsOf, _ call: Call) throws -> UInt64 {
        let entry = try point(asOf, call)
        try waitUntilApplied(entry, call)
        return entry
    }

    private func point(_ asOf: WireAsOf, _ call: Call) throws -> UInt64 {
        let last = services.ingestor.lastEntry
        switch asOf.point {
        case nil: return last
        case .logEntry(let entry):
            guard entry <= last else {
                throw AlulaError(
                    .outOfRange,
                    "as of log entry \(entry): the last one so far is \(last)"
                )
            }
            return entry
        case .timeUs(let time):
            try waitUntilApplied(last, call)
            return try services.offline.logEntry(at: Timestamp(microseconds: time))
        case .trainingSet(let text):
            let id = try TrainingSetID(text, as: "training set")
            guard let record = try services.registry.trainingSet(id) else {
                throw AlulaError.notFound("there is no training set \(id)")
            }
            return record.logEntry
        }
    }
}
