package import Domain

/// One act: who did what to what.
package struct AuditEntry: Sendable, Hashable {
    /// From 1, without gaps.
    package var number: UInt64
    package var time: Timestamp
    package var actor: String
    package var isVerified: Bool
    /// Empty where the act is of no project.
    package var project: String
    /// Such as `apply`, `start run`, `register`, `promote`, `promote refused`, `rollback`, ….
    package var act: String
    /// Such as `model:credit`, `run:run-…`, `project:credit`.
    package var object: String
    /// JSON.
    package var detail: String
    /// JSON: what was there before and after; empty where that says nothing.
    package var before: String
    package var after: String
    /// JSON: what the rules said; empty where there were none.
    package var verdict: String
    package var requestID: [UInt8]
    /// Over all that and the entry before.
    package var hash: [UInt8]
}

/// Which entries are asked for; what is nil is not asked.
package struct AuditFilter: Sendable, Hashable {
    package var project: ProjectName?
    /// Such as `model:credit`.
    package var object: String?
    package var actor: String?
    package var act: String?
    /// From this moment on.
    package var since: Timestamp?
    /// Before this moment.
    package var until: Timestamp?

    package init(
        project: ProjectName? = nil,
        object: String? = nil,
        actor: String? = nil,
        act: String? = nil,
        since: Timestamp? = nil,
        until: Timestamp? = nil
    ) {
        self.project = project
        self.object = object
        self.actor = actor
        self.act = act
        self.since = since
        self.until = until
    }
}

/// What the audit log keeps beside the act itself, each as JSON or empty.
package struct AuditChange: Sendable, Hashable {
    package var before: String
    package var after: String
    package var verdict: String

    package init(before: String = "", after: String = "", verdict: String = "") {
        self.before = before
        self.after = after
        self.verdict = verdict
    }

    package static let none = AuditChange()
}
