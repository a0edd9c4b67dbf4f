import Domain
import GRDB
import Search

/// A column, or another SQL expression, and how it is compared.
struct SearchColumn {
    enum Kind {
        /// Always there.
        case text
        /// Not there where it is null or empty.
        case optionalText
        /// Of a param or a tag: a number where it reads as one.
        case free
        case whole
        /// Not there where it is null.
        case time
        /// The order of float64 values; null for NaN.
        case rank
        /// Of a series; this column is its least.
        case best(greatest: String)
        case service(String)
    }

    let sql: SQL
    let kind: Kind

    init(_ sql: SQL, _ kind: Kind) {
        self.sql = sql
        self.kind = kind
    }

    /// Of the table of this name, which has a service and its version.
    init(service table: String) {
        sql = "(\(sql: table).service || '@' || \(sql: table).service_version)"
        kind = .service(table)
    }

    var isThere: SQL {
        switch kind {
        case .text, .free, .whole, .rank, .best: "1"
        case .time: "\(sql) IS NOT NULL"
        case .optionalText: "ifnull(\(sql) <> '', 0)"
        case .service(let table): "\(sql: table).service IS NOT NULL"
        }
    }

    func compare(_ comparison: SearchOperator, _ value: SearchValue) throws -> SQL {
        switch kind {
        case .text: text(comparison, value)
        case .optionalText: "(\(isThere) AND \(text(comparison, value)))"
        case .free: value.isNumber ? number(comparison, value) : text(comparison, value)
        case .whole: "\(sql) \(sql: comparison.rawValue) \(Int64(value.text) ?? 0)"
        case .time:
            "ifnull(\(sql) \(sql: comparison.rawValue) \(value.time?.microseconds ?? 0), 0)"
        case .rank:
            "ifnull(\(sql) \(sql: comparison.rawValue) \(try Self.rank(of: value)), 0)"
        case .best(let greatest):
            switch comparison {
            case .greater, .greaterOrEqual:
                try SearchColumn("\(sql: greatest)", .rank).compare(comparison, value)
            case .less, .lessOrEqual, .equal, .notEqual, .contains:
                try SearchColumn(sql, .rank).compare(comparison, value)
            }
        case .service(let table):
            switch comparison {
            case .equal: isService(value.text)
            case .notEqual:
                "(\(sql: table).service IS NOT NULL AND NOT \(isService(value.text)))"
            case .less, .lessOrEqual, .greater, .greaterOrEqual, .contains:
                "ifnull(\(text(comparison, value)), 0)"
            }
        }
    }

    /// The service of this name, or its version where one is named.
    func isService(_ text: String) -> SQL {
        guard case .service(let table) = kind, !text.contains("@") else {
            return "ifnull(\(sql) = \(text), 0)"
        }
        return "ifnull(\(sql: table).service = \(text), 0)"
    }

    private func text(_ comparison: SearchOperator, _ value: SearchValue) -> SQL {
        guard comparison != .contains else { return "instr(\(sql), \(value.text)) > 0" }
        return "\(sql) \(sql: comparison.rawValue) \(value.text)"
    }

    private func number(_ comparison: SearchOperator, _ value: SearchValue) -> SQL {
        // SQLite reads both, so that equal texts are equal numbers.
        let other: SQL = "CAST(\(value.text) AS REAL)"
        switch comparison {
        case .equal: return "(\(sql) = \(value.text) OR ifnull(\(asNumber) = \(other), 0))"
        case .notEqual:
            return "NOT (\(sql) = \(value.text) OR ifnull(\(asNumber) = \(other), 0))"
        case .contains: return text(comparison, value)
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            return "ifnull(\(asNumber) \(sql: comparison.rawValue) \(other), 0)"
        }
    }

    /// The number that the text is, as JSON writes them; null where it is none.
    private var asNumber: SQL {
        """
        CASE WHEN length(\(sql)) <= 40 AND \(sql) GLOB '[-0-9]*' AND json_valid(\(sql))
            THEN CAST(\(sql) AS REAL) END
        """
    }

    /// By what it is sorted.
    var sortKey: SQL {
        switch kind {
        case .free: "ifnull(\(asNumber), substr(\(sql), 1, 128))"
        case .optionalText: "substr(nullif(\(sql), ''), 1, 128)"
        case .text, .whole, .time, .rank, .best, .service: sql
        }
    }

    /// The place of a number among all, as the column `rank` gives it.
    static func rank(of value: SearchValue) throws(AlulaError) -> Int64 {
        guard let number = value.metricNumber, !number.isNaN else {
            throw .invalid("\(value) is no number that a metric can be compared with")
        }
        let bits = Int64(bitPattern: number.bitPattern)
        return bits >= 0 ? bits : Int64.min - bits
    }
}
