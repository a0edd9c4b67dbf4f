import Catalog
import Domain
import Ingest
import Served
import Statistics
import Wire

/// Profiles of what came in a span of time.
extension Dispatcher {
    private static let mostHours = 10_000

    func profileSpan(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireProfileSpanRequest.self, from: call.control)
        let since = request.hasSinceUs ? Timestamp(microseconds: request.sinceUs) : nil
        let until = request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil
        guard request.view.isEmpty != request.model.isEmpty else {
            throw AlulaError.invalid("a profile is of a view or of a model: name one of them")
        }
        let found: ProfileSpan
        if request.model.isEmpty {
            guard request.versions.isEmpty else {
                throw AlulaError.invalid("versions are of a model, not of a view")
            }
            found = try profile(request.view, request.head, since, until, call)
        } else {
            found = try services.profiles.profile(
                of: try servedName(request.model, request.head),
                versions: request.versions.isEmpty ? nil : Set(request.versions),
                since: try Self.span(since, until).since,
                until: until,
                isCancelled: { call.isEnded }
            )
        }
        try call.checkEnded()
        var answer = WireProfileSpan()
        answer.profile = WireProfile(found.table())
        answer.hours = found.hours.suffix(Self.mostHours).map { hour in
            var wire = WireProfileHour()
            wire.startUs = hour.start.microseconds
            wire.spanUs = hour.span.microseconds
            wire.version = hour.version
            wire.rows = hour.rows
            wire.isCoarse = hour.isCoarse
            wire.isStale = hour.isStale
            return wire
        }
        return try Answer(answer)
    }

    private func profile(
        _ view: String,
        _ head: WireCallHead,
        _ since: Timestamp?,
        _ until: Timestamp?,
        _ call: Call
    ) throws -> ProfileSpan {
        let project = try services.catalog.snapshot.project(head.project)
        let view = try project.view(view)
        // With what was acknowledged before.
        try waitUntilApplied(services.ingestor.lastEntry, call)
        let found = try services.profiles.profile(
            of: view,
            since: try Self.span(since, until).since,
            until: until,
            isCancelled: { call.isEnded }
        )
        try call.checkEnded()
        return found
    }

    private static func span(
        _ since: Timestamp?,
        _ until: Timestamp?
    ) throws(AlulaError) -> (since: Timestamp?, until: Timestamp?) {
        if let since, let until, since > until {
            throw .invalid("the span of a profile ends before it begins: \(since) to \(until)")
        }
        return (since, until)
    }

    /// How the rows of a view moved that were recorded in one span, against those of another.
    func viewDrift(_ request: WireDriftRequest, _ call: Call) throws -> Answer {
        guard request.model.isEmpty, request.trainingSet.isEmpty, request.current.isEmpty,
            request.versions.isEmpty
        else {
            throw AlulaError.invalid("drift is of a view, a model or a training set: found several")
        }
        guard request.hasAgainstSinceUs || request.hasAgainstUntilUs else {
            throw AlulaError.invalid(
                "the drift of a view is told against rows of another time",
                help: "name it: --against FROM..UNTIL, or against=(since, until)"
            )
        }
        func time(_ has: Bool, _ microseconds: Int64) -> Timestamp? {
            has ? Timestamp(microseconds: microseconds) : nil
        }
        let options = try DriftOptions(request)
        let spans = [
            (
                time(request.hasAgainstSinceUs, request.againstSinceUs),
                time(request.hasAgainstUntilUs, request.againstUntilUs)
            ),
            (
                time(request.hasSinceUs, request.sinceUs),
                time(request.hasUntilUs, request.untilUs)
            ),
        ]
        let found = try spans.map { since, until in
            try profile(request.view, request.head, since, until, call)
        }
        var answer = try Self.drift(request, found[0].table(), found[1].table(), options)
        let titles = zip(spans, found).map { span, found in
            let stale = found.hours.count(where: \.isStale)
            return "\(request.view) as it came" + (span.0.map { " from \($0)" } ?? "")
                + (span.1.map { " until \($0)" } ?? "")
                + (stale > 0 ? ", with \(stale) stale \(stale == 1 ? "hour" : "hours")" : "")
        }
        (answer.reference, answer.current) = (titles[0], titles[1])
        return try Answer(answer)
    }
}
