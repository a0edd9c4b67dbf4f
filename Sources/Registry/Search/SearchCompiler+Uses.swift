import Domain
import Foundation
import GRDB
import Search

extension SearchCompiler {
    /// What a run or a version was made of.
    func uses(_ source: SearchSource) throws -> SQL {
        switch source {
        case .view(let name):
            return or(
                throughService(Self.reading(try viewID(name), project)),
                read("i.kind = 'view' AND i.target = \(name.text)")
            )
        case .feature(let view, let feature):
            return throughService(
                """
                SELECT s.name, p.version FROM projection p
                JOIN service s ON s.id = p.service
                JOIN selection c ON c.service = p.service AND c.version = p.version
                    AND c.projection = p.position
                JOIN feature f ON f.id = c.feature
                WHERE s.project = \(project.text) AND f.name = \(feature.text)
                    AND p.view = \(try viewID(view))
                """
            )
        case .service(let service):
            if isOfVersions, mayBeNull { return isOfService(service) }
            let column = SearchColumn(service: isOfVersions ? "v" : "t")
            let condition = column.isService(service.description)
            guard !isOfVersions else { return condition }
            return ofTrainingSet("r", condition)
        case .trainingSet(let id):
            let column = isOfVersions ? "v.training_set" : "r.training_set"
            return or(
                known("\(sql: column) = \(id.text)"),
                read("i.kind = 'training set' AND i.target = \(id.text)")
            )
        case .run(let id): return "r.id = \(id.text)"
        case .importID(let id): return sawImport(try importFact(id))
        case .artifact(let digest):
            let bytes = Data(digest.bytes)
            let has: SQL = """
                (v.model, v.number) IN (SELECT w.model, w.version FROM version_artifact w
                    WHERE w.digest = \(bytes) OR w.digest IN (SELECT f.directory
                        FROM directory_file f WHERE f.digest = \(bytes)))
                """
            return or(isOfVersions ? has : version(has), read("i.digest = \(bytes)"))
        }
    }

    private func or(_ left: SQL, _ right: SQL) -> SQL { "(\(left) OR \(right))" }

    /// The run, or the run of the version, has read such an item `i`.
    private func read(_ item: SQL) -> SQL {
        guard isOfVersions else {
            return """
                r.number IN (SELECT i.run FROM run_item i
                    WHERE i.direction = 'input' AND \(item))
                """
        }
        return """
            v.run IN (SELECT n.id FROM run_item i JOIN run n ON n.number = i.run
                WHERE i.direction = 'input' AND \(item))
            """
    }

    /// The service of the version, or of the training set of the run, is one of these.
    private func throughService(_ services: SQL) -> SQL {
        guard !isOfVersions else {
            return known("(v.service, v.service_version) IN (\(services))")
        }
        return ofTrainingSet("r", "(t.service, t.service_version) IN (\(services))")
    }

    private func sawImport(_ fact: ImportFact) -> SQL {
        guard let entry = fact.logEntry else { return "0" }
        let own = isOfVersions ? "v" : "r"
        return known(
            """
            \(sql: own).training_set IN (SELECT t.id FROM training_set t
                WHERE \(Self.saw(fact, entry, project)))
            """
        )
    }

    private func isOfService(_ service: FeatureServiceReference) -> SQL {
        let isNamed: SQL = "v.service = \(service.name.text)"
        return service.version.map { "\(isNamed) AND v.service_version = \($0)" } ?? isNamed
    }

    /// What is null is false.
    private func known(_ condition: SQL) -> SQL {
        mayBeNull ? condition : "ifnull(\(condition), 0)"
    }

    /// The training set `t` saw rows of the view that became visible with this entry.
    static func saw(_ fact: ImportFact, _ entry: UInt64, _ project: ProjectName) -> SQL {
        let reading = reading(SQL("\(Int64(fact.view.number))"), project)
        return """
            t.project = \(project.text) AND t.log_entry >= \(Int64(clamping: entry))
                AND t.log_entry < \(Int64(clamping: fact.retracted ?? UInt64.max))
                AND (t.service, t.service_version) IN (\(reading))
            """
    }

    /// The published services that read a view.
    static func reading(_ view: SQL, _ project: ProjectName) -> SQL {
        """
        SELECT s.name, p.version FROM projection p JOIN service s ON s.id = p.service
        WHERE s.project = \(project.text) AND p.view = \(view)
        """
    }

    private func viewID(_ name: FeatureViewName) throws -> SQL {
        "(SELECT id FROM view WHERE project = \(project.text) AND name = \(name.text))"
    }
}
