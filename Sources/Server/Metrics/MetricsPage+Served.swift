import Served
import Synchronization

extension MetricsPage {
    /// The prediction log since the start.
    mutating func writeServed() {
        let figures = services.served.figures
        page.begin(
            "alula_served_vectors_total",
            .counter,
            "Rows of logged reads: kept, shed because too many waited (their ids say so), lost."
        )
        let counts = [
            ("kept", figures.kept.load(ordering: .relaxed)),
            ("shed", figures.shed.load(ordering: .relaxed)),
            ("lost", figures.lost.load(ordering: .relaxed)),
        ]
        for (what, count) in counts {
            page.sample("alula_served_vectors_total", [("result", what)], UInt64(count))
        }
        page.one(
            "alula_logged_read_rows_total",
            .counter,
            UInt64(figures.rows.load(ordering: .relaxed)),
            "Rows of reads that asked to be logged, sampled or not."
        )
        page.one(
            "alula_served_waiting_bytes",
            .gauge,
            UInt64(services.served.waiting),
            "Served vectors that are not durable yet."
        )
        page.one(
            "alula_served_failing",
            .gauge,
            services.served.failure == nil ? 0 : 1,
            "1 while served vectors cannot be written; they wait, then are shed."
        )
        page.one(
            "alula_refused_read_rows_total",
            .counter,
            UInt64(figures.refused.load(ordering: .relaxed)),
            "Rows of logged reads of models that were refused."
        )
        page.begin(
            "alula_logged_values_total",
            .counter,
            "Predictions, failed ones and outcomes, by result."
        )
        let logged = figures.loggedCounts
        for kind in LoggedKind.allCases {
            for status in LoggedStatus.allCases {
                let key = ServedFigures.LoggedCount(kind: kind, status: status)
                guard let count = logged[key] else { continue }
                page.sample(
                    "alula_logged_values_total",
                    [
                        ("kind", kind.rawValue),
                        ("result", "\(status)"),
                    ],
                    UInt64(count)
                )
            }
        }
    }
}
