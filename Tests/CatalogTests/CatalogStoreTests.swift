import Catalog
import Domain
import GRDB
import Testing

struct CatalogStoreTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func `the writer syncs every commit and readers never checkpoint`() throws {
        let pool = fixture.pool
        let writer = try pool.writeWithoutTransaction { database in
            try ["synchronous", "journal_mode", "foreign_keys"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)")
            }
        }
        #expect(writer == ["2", "wal", "1"])
        let checkpoints = try pool.read { try Int.fetchOne($0, sql: "PRAGMA wal_autocheckpoint") }
        #expect(checkpoints == 0)
    }

    @Test func `a file of a newer version is refused`() throws {
        try fixture.pool.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9999 later')")
        }
        let error = #expect(throws: AlulaError.self) {
            try openCatalogPool(path: fixture.directory + "/catalog.sqlite")
        }
        #expect(error?.code == .failedPrecondition)
    }

    @Test func `definitions are stored and read back as they were`() throws {
        try fixture.apply(credit)
        let project = try fixture.project()
        let view = try project.view("credit_history")
        #expect(
            view.entity.keys == [.init(name: try JoinKeyName("dob_ssn", as: ""), type: .string)]
        )
        #expect(
            view.features.map(\.name.text) == ["credit_card_due", "missed_payments_1y", "score"]
        )
        #expect(view.features.map(\.type) == [.int64, .int32, .float32])
        #expect(view.lookback == TimeSpan(text: "90d") && view.maxAge == TimeSpan(text: "90d"))
        #expect(view.eventTimeColumn == "event_timestamp")
        #expect(view.createdTimeColumn == "created_timestamp")
        #expect(view.owner == "risk@example.com")
        #expect(view.layouts == [RowLayout(version: 1, features: view.features)])
        let place = try project.view("place_stats")
        #expect(place.lookback == TimeSpan(text: "30d") && place.maxAge == nil)
        #expect(
            try project.view("airport_stats").features[1].type == .fixedList(.float32, length: 4)
        )
        let ids = project.views.values.flatMap { $0.features.map(\.id) }
        #expect(Set(ids).count == ids.count)

        let reopened = try CatalogStore(pool: fixture.pool)
        let again = try reopened.snapshot.project("credit")
        #expect(again.views == project.views && again.entities == project.entities)
        #expect(again.services == project.services)
        #expect(reopened.gates(project.name) == fixture.catalog.gates(project.name))
        #expect(reopened.gates(project.name).map(\.version) == [1])
    }

    @Test func `the vector of a service has its features in order, then its request fields`() throws
    {
        try fixture.apply(credit)
        let project = try fixture.project()
        let service = try project.service(FeatureServiceReference(text: "credit"))
        let plan = try service.plan(in: fixture.catalog.snapshot)
        #expect(
            plan.schema.fields.map(\.name) == [
                "credit_card_due", "missed_payments_1y", "score", "population", "loan_amount",
            ]
        )
        #expect(plan.keyColumns.map(\.name.text) == ["dob_ssn", "zipcode"])
        let flights = try project.service(FeatureServiceReference(text: "flights@1"))
        let both = try flights.plan(in: fixture.catalog.snapshot)
        #expect(
            both.schema.fields.map(\.name) == [
                "origin__delay", "origin__embedding", "destination__delay",
                "destination__embedding",
            ]
        )
        #expect(both.views.map(\.label) == ["origin", "destination"])
        #expect(both.keyColumns.map(\.name.text) == ["origin", "destination"])
    }

    /// Each row: the service's features and request, and the columns they become.
    @Test(arguments: [
        ("[credit_history:score]", "{}", ["score"]),
        (
            "[credit_history:score, place_stats:score]", "{}",
            ["credit_history__score", "place_stats__score"]
        ),
        ("[credit_history:score]", "{score: float64}", ["credit_history__score", "score"]),
        (
            "[place_stats:population, credit_history:score, place_stats:score]", "{}",
            ["population", "credit_history__score", "place_stats__score"]
        ),
        ("[{view: place_stats, as: home, features: [score]}]", "{}", ["score"]),
        (
            "[{view: place_stats, keys: {zipcode: score}, features: [score]}]", "{}",
            ["place_stats__score"]
        ),
    ])
    func `columns are named by feature, or by view where two would clash`(
        features: String,
        request: String,
        columns: [String]
    ) throws {
        try fixture.apply(credit)
        try fixture.apply("services: [{name: s, features: \(features), request: \(request)}]")
        let service = try fixture.project().service(FeatureServiceReference(text: "s"))
        let plan = try service.plan(in: fixture.catalog.snapshot)
        #expect(plan.schema.fields.map(\.name) == columns)
        #expect(Set(plan.views.map(\.label)).count == plan.views.count)
    }

    @Test func `several documents and several files are one apply`() throws {
        let changes = try fixture.apply(
            "project: p\nentities: [{name: e, keys: {k: int64}}]\n---\nviews: [{name: v, entity: e, "
                + "features: {a: int64}}]",
            "services: [{name: s, features: [v:*]}]"
        )
        #expect(
            changes.changes.map { "\($0.action.rawValue) \($0.kind.rawValue) \($0.name)" } == [
                "create project p", "create entity e", "create view v", "publish service s@1",
            ]
        )
        #expect(fixture.catalog.snapshot.revision == 1)
    }

    @Test func `the project of the call is taken where the file names none`() throws {
        try fixture.apply("entities: [{name: e, keys: {k: int64}}]", project: "here")
        try fixture.apply("entities: [{name: f, keys: {k: int64}}]")
        #expect(try fixture.project().name.text == "here")
        #expect(try fixture.project().entities.count == 2)
    }

    @Test func `ids are unique over projects and never reused`() throws {
        try fixture.apply(credit)
        try fixture.apply(credit.replacing("project: credit", with: "project: other"))
        let projects = fixture.catalog.snapshot.projects.values
        let views = projects.flatMap { $0.views.values.map(\.id) }
        let features = projects.flatMap { $0.views.values.flatMap { $0.features.map(\.id) } }
        #expect(views.count == 6 && Set(views).count == 6)
        #expect(Set(features).count == features.count)
    }
}
