import Domain
import Tabular
import Testing

struct IgnoredColumnTests {
    private func rows(_ source: String, _ format: TabularFormat) throws -> [[FeatureValue]] {
        var reader = try TabularReader(
            .bytes(Array(source.utf8), name: "rows.\(format)"),
            format: format,
            columns: [key, text],
            ignored: ["@a", "@b"]
        )
        var rows: [[FeatureValue]] = []
        while let chunk = try reader.next() {
            #expect(chunk.batch.schema.fields.map(\.name) == ["id", "t"])
            for row in 0..<chunk.batch.rowCount { rows.append(chunk.batch.columns.map { $0[row] }) }
        }
        return rows
    }

    @Test func `ignored columns may stand anywhere and hold anything`() throws {
        let wanted: [[FeatureValue]] = [[.int64(1), .string("x")], [.int64(2), .null]]
        #expect(
            try rows("@a,id,@b,t\n\"9,\"\"9\",1,,x\nnot a time,2,\"\",\n", .csv) == wanted
        )
        #expect(
            try rows(
                """
                {"@a": "t\\u00e4", "id": 1, "@b": -1.5e3, "t": "x"}
                {"id": 2, "@b": null, "t": null, "@a": true}
                """,
                .ndjson
            ) == wanted
        )
    }

    @Test func `what is neither asked for nor ignored is refused`() {
        for (source, format): (String, TabularFormat) in [
            ("@a,id,t,@c\n1,2,3,4\n", .csv), ("{\"id\":1,\"@c\":2}", .ndjson),
            ("{\"id\":1,\"@a\":[2]}", .ndjson),
        ] {
            #expect(throws: AlulaError.self) { try rows(source, format) }
        }
    }
}
