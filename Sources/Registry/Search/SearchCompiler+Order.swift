import Domain
import GRDB
import Search

extension SearchCompiler {
    /// What items are sorted by: null where an item lacks it.
    ///
    /// Of several values the one counts that comes first.
    func sortKey(_ order: SearchOrder) -> SQL {
        let first = order.isDescending ? "max" : "min"
        switch order.field {
        case .param(let key): return keyedSortKey("param", key)
        case .tag(let key): return keyedSortKey("tag", key)
        case .metric(let metric): return sortKey(of: metric, first: first, order)
        case .property(let property):
            let key = column(of: property).sortKey
            switch property {
            case .alias where isOfVersions:
                return """
                    (SELECT \(sql: first)(\(key)) FROM model_alias a
                        WHERE a.model = v.model AND a.version = v.number)
                    """
            case .alias:
                return ofVersions(
                    """
                    (SELECT \(sql: first)(\(key)) FROM model_alias a
                        WHERE a.model = v.model AND a.version = v.number)
                    """,
                    first
                )
            case .service where !isOfVersions:
                return "(SELECT \(key) FROM training_set t WHERE t.id = r.training_set)"
            default:
                return property.isOfVersion && !isOfVersions ? ofVersions(key, first) : key
            }
        }
    }

    private func ofVersions(_ key: SQL, _ first: String) -> SQL {
        """
        (SELECT \(sql: first)(\(key)) FROM model_version v JOIN model m ON m.id = v.model
            WHERE v.run = r.id AND v.deleted IS NULL
                AND m.project = \(project.text)\(visible))
        """
    }

    private func keyedSortKey(_ kind: String, _ key: String) -> SQL {
        """
        (SELECT \(SearchColumn("x.value", .free).sortKey) FROM \(sql: owner)_\(sql: kind) x
            WHERE \(sql: owned) AND x.key = \(key))
        """
    }

    private func sortKey(of metric: SearchMetric, first: String, _ order: SearchOrder) -> SQL {
        var key: SQL = "x.rank"
        var (table, whose) = ("run_series", Self.ofRun)
        switch metric.point {
        case .last:
            if isOfVersions { (table, whose) = ("version_metric", owned) }
        case .best: key = order.isDescending ? "x.greatest" : "x.least"
        case .step(let step):
            key = """
                (SELECT p.rank FROM run_metric p WHERE \(Self.samePoint(step))
                    ORDER BY p.time DESC, p.number DESC LIMIT 1)
                """
        }
        var narrowed: SQL = ""
        if let dataSet = metric.dataSet { narrowed = " AND x.data_set = \(dataSet)" }
        return """
            (SELECT \(sql: first)(\(key)) FROM \(sql: table) x
                WHERE \(sql: whose) AND x.name = \(metric.name)\(narrowed))
            """
    }
}
