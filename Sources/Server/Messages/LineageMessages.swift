import Domain
import Registry
import Releases
import Wire

extension WireLineage {
    init(_ lineage: Lineage) {
        self.init()
        nodes = lineage.nodes.map { node in
            var wire = WireLineageNode()
            wire.id = node.id
            wire.kind = node.kind.rawValue
            wire.title = node.title
            wire.facts = node.facts.map { WireKeyValue($0.key, $0.value) }
            return wire
        }
        edges = lineage.edges.map { edge in
            var wire = WireLineageEdge()
            wire.from = edge.from
            wire.to = edge.to
            return wire
        }
    }
}

extension WireTracedVersion {
    init(_ traced: Trace.Traced) {
        self.init()
        model = traced.model.text
        version = traced.number
        stage = traced.stage.text
        holds = traced.holds
        rollbackOf = traced.rollbackOf
        trainingSet = traced.trainingSet?.text ?? ""
        service = traced.service?.description ?? ""
        run = traced.run.text
        registeredUs = traced.registered.microseconds
    }
}

extension WireVersionDiff {
    init(_ diff: VersionDiff) {
        self.init()
        model = diff.model.text
        before = diff.before
        after = diff.after
        sections = diff.sections.map { section in
            var wire = WireDiffSection()
            wire.name = section.name
            wire.same = UInt32(clamping: section.same)
            wire.items = section.items.map { item in
                var wire = WireDiffItem()
                wire.key = item.key
                if let before = item.before { wire.before = before }
                if let after = item.after { wire.after = after }
                wire.change = item.change
                return wire
            }
            return wire
        }
    }
}

extension WireReport {
    init(_ report: VersionReport) {
        self.init()
        passed = report.outcome.passed
        markdown = report.markdown
        model = report.candidate.model.text
        candidate = report.candidate.number
        stage = report.stage.text
        holder = report.holder?.number ?? 0
        rules = WirePromoteResponse(report.outcome).rules
        if let diff = report.diff { self.diff = WireVersionDiff(diff) }
        lineage = WireLineage(report.lineage.graph)
    }
}
