import Domain
import Search
import TestSupport
import Testing

struct SearchExpressionTests {
    @Test(
        arguments: [
            ("metric.auc>0.9", "metric.auc > 0.9"),
            (
                "metric.auc > 0.9 and (stage = production or tag.team = risk)",
                "metric.auc > 0.9 and (stage = production or tag.team = risk)"
            ),
            ("a", nil),
            ("name = a or name = b AND NOT name = c", "name = a or (name = b and not name = c)"),
            ("not not (name = a)", "not not name = a"),
            ("param.\"learning rate\" <= 1e-3", "param.\"learning rate\" <= 1e-3"),
            ("tag.x = 'it''s'", nil),
            (#"tag.x = 'it\'s'"#, #"tag.x = "it's""#),
            ("tag.x in (1, 'two', three)", "tag.x in (1, two, three)"),
            ("tag.x = \"7\"", "tag.x = \"7\""),
            ("tag.x = 007", "tag.x = 007"),
            ("has tag.and", "has tag.and"),
            ("tag.x = \"or\"", "tag.x = \"or\""),
            ("metric.loss on holdout best < 0.2", "metric.loss on holdout best < 0.2"),
            ("metric.loss at -3 = inf", "metric.loss at -3 = inf"),
            ("uses view:credit_history", "uses view:credit_history"),
            ("uses \"service:credit@2\"", "uses service:credit@2"),
            ("started >= 2026-11-21T10:00:00Z", "started >= 2026-11-21T10:00:00Z"),
            ("name contains rf", "name contains rf"),
        ] as [(String, String?)]
    )
    func `an expression is read, and written as it is meant`(text: String, written: String?) throws
    {
        let read = Result { () throws(AlulaError) in try SearchExpression(parsing: text) }
        switch (read, written) {
        case (.success(let expression), let written?):
            #expect(expression.description == written)
        case (.failure(let error), nil): #expect(error.code == .invalidArgument)
        default: Issue.record("\(text): \(read)")
        }
    }

    @Test(
        arguments: [
            ("", "expected a field", 0),
            ("metric.auc >> 0.9", "there is no \">>\"", 11),
            ("metric.auc > high", "expected a number", 13),
            ("metric.auc contains 1", "looks into texts", 11),
            ("metric.auc best = 1", "which is better", 16),
            ("stge = production", "there is no field \"stge\"", 0),
            ("(name = a", "is not closed", 0),
            ("name = a)", "there is no \"(\"", 8),
            ("name = a name = b", "expected and, or, or the end", 9),
            ("name = 'é' and name = 'open", "not closed", 22),
            ("name = and", "quote it", 7),
            ("name = a and ä = b", "there is no field \"ä\"", 13),
            ("uses view", "expected view:NAME", 5),
            ("uses view:not/valid", "not valid", 5),
            ("param. = 3", "expected a name", 6),
            ("started > yesterday", "expected a time", 10),
            ("status = finishd", "there is no status", 9),
            ("version = 1.5", "whole number", 10),
            ("name = a; drop table run", "no meaning here", 8),
            ("metric.auc at x > 1", "expected a step", 14),
            ("tag.a in ()", "expected a value", 10),
        ] as [(String, String, Int)]
    )
    func `a mistake points at its character`(text: String, says: String, at column: Int) throws {
        let error = try #require(throws: AlulaError.self) {
            try SearchExpression(parsing: text)
        }
        let lines = error.message.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(error.message.contains(says), "\(error.message)")
        #expect(lines.count == 3 && lines[1] == "  " + text)
        let caret = "  " + String(repeating: " ", count: column) + "^"
        #expect(lines.last.map(String.init) == caret, "\(error.message)")
    }

    @Test func `what is written is read back as the same`() throws {
        var random = RandomSearch(seed: 4)
        random.sources = [
            .view(try FeatureViewName("v", as: "view")),
            .service(try FeatureServiceReference(text: "s@2")),
            .importID("import-12"),
        ]
        for _ in 0..<3_000 {
            let expression = random.expression()
            let text = expression.description
            guard text.utf8.count <= Limits.searchBytes else { continue }
            #expect(try SearchExpression(parsing: text) == expression, "\(text)")
        }
    }

    @Test func `no beginning of an expression and no broken byte is more than a mistake`() throws {
        var random = SeededRandom(seed: 9)
        var expressions = RandomSearch(seed: 5)
        for _ in 0..<200 {
            var bytes = Array(expressions.expression().description.utf8)
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let start = String(decoding: bytes[..<place], as: UTF8.self)
            bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            for text in [start, String(decoding: bytes, as: UTF8.self)] {
                switch Result(catching: { () throws(AlulaError) in
                    try SearchExpression(parsing: text)
                }) {
                case .success(let read):
                    #expect(try SearchExpression(parsing: read.description) == read)
                case .failure(let error): #expect(error.code == .invalidArgument)
                }
            }
        }
    }

    @Test func `length, depth and number of conditions are limited`() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "(", count: levels) + "name = a"
                + String(repeating: ")", count: levels)
        }
        _ = try SearchExpression(parsing: nested(Limits.searchNesting))
        #expect(throws: AlulaError.self) {
            try SearchExpression(parsing: nested(Limits.searchNesting + 1))
        }
        #expect(throws: AlulaError.self) {
            try SearchExpression(
                parsing: String(repeating: "not ", count: Limits.searchNesting + 1) + "name = a"
            )
        }
        func many(_ count: Int) -> String {
            Array(repeating: "name = a", count: count).joined(separator: " or ")
        }
        _ = try SearchExpression(parsing: many(Limits.searchConditions))
        #expect(throws: AlulaError.self) {
            try SearchExpression(parsing: many(Limits.searchConditions + 1))
        }
        func long(_ bytes: Int) -> String {
            "name = " + String(repeating: "a", count: bytes - 7)
        }
        _ = try SearchExpression(parsing: long(Limits.searchBytes))
        #expect(throws: AlulaError.self) {
            try SearchExpression(parsing: long(Limits.searchBytes + 1))
        }
    }

    @Test(
        arguments: [
            ("metric.auc desc", "metric.auc desc"), ("started", "started asc"),
            ("param.\"x y\" asc", "param.\"x y\" asc"), ("started down", nil), ("", nil),
        ] as [(String, String?)]
    )
    func `an order is a field and a direction`(text: String, written: String?) throws {
        let order = try? SearchOrder(parsing: text)
        #expect(order?.description == written)
    }
}
