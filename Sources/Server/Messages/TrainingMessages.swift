import Domain
import Training
import Wire

extension WireTrainingSet {
    init(_ record: TrainingSetRecord) {
        self.init()
        id = record.id.text
        project = record.project.text
        service = record.service.description
        logEntry = record.logEntry
        digest = record.digest.description
        spineDigest = record.spineDigest.description
        rows = record.rows
        schema = WireSchema(record.schema)
        eventTime = record.eventTimeColumn
        label = record.label
        madeUs = record.made.microseconds
        asKnown = record.asKnown
        keepUnknown = record.keepUnknown
        reports = record.reports.map(WireViewReport.init)
        featureColumns = record.featureColumns
        spineName = record.spineName
        actor = record.actor
        blankedRows = record.blankedRows
        servedModel = record.servedModel
    }
}

extension WireTrainingSet {
    /// A set that was made again, with what it has lost.
    init(_ record: TrainingSetRecord, losses: SetLosses) {
        self.init(record)
        blankedRows = losses.blankedRows
        self.losses = losses.views.map { view in
            var loss = WireViewLoss()
            loss.label = view.label
            loss.values = view.values
            loss.logEntries = view.logEntries
            return loss
        }
    }
}

extension WireViewReport {
    init(_ report: ViewReport) {
        self.init()
        label = report.label
        view = report.view.text
        matched = report.matched
        expired = report.expired
        notFound = report.notFound
        nullKeys = report.nullKeys
        late = report.late
        unknown = report.unknown
        if let oldest = report.oldestEvent { oldestEventUs = oldest.microseconds }
        if let newest = report.newestEvent { newestEventUs = newest.microseconds }
    }
}
