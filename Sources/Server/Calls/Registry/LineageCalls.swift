import Catalog
import Domain
import Offline
import Registry
import Releases
import Search
import Wire

/// What versions were made of, what was made of something, and what differs.
extension Dispatcher {
    func lineage(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireLineageRequest.self, from: call.control)
        let project = try project(of: request.head)
        guard request.run.isEmpty || request.model.isEmpty else {
            throw AlulaError.invalid("the lineage of a version or of a run is asked for: name one")
        }
        var lineage =
            request.run.isEmpty
            ? try services.registry.lineage(
                of: request.version,
                model: try RegisteredModelName(request.model, as: "model"),
                project: project
            )
            : try services.registry.lineage(
                ofRun: try RunID(request.run, as: "run"),
                models: call.identity.scope.models,
                project: project
            )
        try addOrigins(to: &lineage, call)
        return try Answer(WireLineage(lineage.graph))
    }

    func trace(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireTraceRequest.self, from: call.control)
        let project = try project(of: request.head)
        let source = try request.source
        var trace = try services.registry.trace(
            source,
            models: call.identity.scope.models,
            project: project,
            importFact: { try importFact($0, project, call) }
        )
        var answer = WireTrace()
        answer.total = UInt64(trace.total)
        answer.versions = trace.versions.map(WireTracedVersion.init)
        trace.versions = Array(trace.versions.prefix(Self.drawnVersions))
        answer.graph = WireLineage(trace.graph(from: source))
        return try Answer(answer)
    }

    func diffVersions(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireDiffVersionsRequest.self, from: call.control)
        let diff = try services.registry.diff(
            of: try RegisteredModelName(request.model, as: "model"),
            before: request.before,
            after: request.after,
            project: try project(of: request.head)
        )
        return try Answer(WireVersionDiff(diff))
    }

    func report(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireReportRequest.self, from: call.control)
        var report = try services.releases.report(
            model: try RegisteredModelName(request.model, as: "model"),
            candidate: request.candidate,
            stage: request.stage.isEmpty ? nil : try Stage(text: request.stage),
            call: try writeCall(call, try CallHead(request.head))
        )
        try addOrigins(to: &report.lineage, call)
        report.live = try liveTables(of: report, request, call)
        return try Answer(WireReport(report))
    }

    /// So many versions are in the graph that goes with a trace.
    private static let drawnVersions = 200

    /// Below each view the imports and pushes of which the training set saw rows.
    ///
    /// An import whose rows were hidden before the training set was made is none of its makings;
    /// one that was retracted since says so.
    private func addOrigins(to lineage: inout VersionLineage, _ call: Call) throws {
        guard let through = lineage.logEntry else { return }
        let snapshot = services.catalog.snapshot
        for (node, id) in lineage.views {
            guard let view = snapshot.view(id: id), call.identity.scope.covers(view.name) else {
                continue
            }
            let origins = try services.offline.origins(of: view, through: through)
            for found in origins.imports where found.retracted.map({ $0 > through }) ?? true {
                let descriptor = found.record.descriptor
                lineage.graph.add(
                    .imported,
                    found.record.id,
                    title: found.record.id,
                    from: node,
                    [
                        ("source", descriptor.sourceName), ("rows", "\(found.record.rows)"),
                        ("log entry", "\(found.entry)"),
                        ("retracted at entry", found.retracted.map { "\($0)" } ?? ""),
                        ("source sha256", descriptor.sourceDigest.description),
                    ]
                )
            }
            guard let entries = origins.pushes else { continue }
            let (first, last) = (entries.lowerBound, entries.upperBound)
            lineage.graph.add(
                .pushes,
                "\(view.name)",
                title: "pushes to \(view.name)",
                from: node,
                [("log entries", first == last ? "\(first)" : "within \(first) to \(last)")]
            )
        }
    }
}

extension WireTraceRequest {
    /// What is asked for, which must be one thing.
    fileprivate var source: SearchSource {
        get throws(AlulaError) {
            let named = [view, importID, trainingSet, artifact, service, run].filter {
                !$0.isEmpty
            }
            guard named.count == 1 else {
                throw .invalid(
                    "versions are traced from one thing: a view, an import, a training set, an "
                        + "artifact, a service or a run"
                )
            }
            if !view.isEmpty {
                let name = try FeatureViewName(view, as: "view")
                guard !feature.isEmpty else { return .view(name) }
                return .feature(name, try FeatureName(feature, as: "feature"))
            }
            guard feature.isEmpty else { throw .invalid("a feature is named with its view") }
            if !importID.isEmpty { return try SearchSource(text: "import:\(importID)") }
            if !trainingSet.isEmpty {
                return .trainingSet(try TrainingSetID(trainingSet, as: "training set"))
            }
            if !artifact.isEmpty { return .artifact(try ContentDigest(hex: artifact)) }
            if !service.isEmpty { return .service(try FeatureServiceReference(text: service)) }
            return .run(try RunID(run, as: "run"))
        }
    }
}
