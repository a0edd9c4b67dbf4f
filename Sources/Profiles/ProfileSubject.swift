package import Domain

/// What a profile is of.
package enum ProfileSubject: Sendable, Hashable {
    /// The rows that came, by when they were recorded.
    case view(FeatureViewID)
    /// The vectors that were served.
    case model(ProjectName, RegisteredModelName)

    /// As it stands in the tables.
    var text: String {
        switch self {
        case .view(let id): "view/\(id.number)"
        case .model(let project, let model): "model/\(project)/\(model)"
        }
    }

    init?(text: String) {
        let words = text.split(separator: "/").map(String.init)
        if words.count == 2, words[0] == "view", let number = UInt32(words[1]) {
            self = .view(FeatureViewID(number))
        } else if words.count == 3, words[0] == "model", let project = ProjectName(words[1]),
            let model = RegisteredModelName(words[2])
        {
            self = .model(project, model)
        } else {
            return nil
        }
    }
}

/// A profile of what came in one hour, as its row tells of it.
package struct ProfiledHour: Sendable, Hashable {
    package var id: Int64
    package var subject: ProfileSubject
    /// Of the model.
    package var version: UInt32
    package var start: Timestamp
    package var span: TimeSpan
    /// Of a view.
    package var entries: ClosedRange<UInt64>?
    package var rows: UInt64
    /// Its rows are gone.
    package var isCoarse: Bool
    /// It waits to be made again.
    package var isTouched: Bool
    /// Its rows are gone, and it counts some that were retracted or forgotten since.
    package var isStale: Bool
}

extension ProfiledHour {
    package func contains(_ time: Timestamp) -> Bool {
        time >= start && time.microseconds - start.microseconds < span.microseconds
    }
}

/// How far the profiles of a subject have come.
package struct ProfileCursor: Sendable, Hashable {
    package var start: Timestamp
    package var entry: UInt64

    package init(start: Timestamp, entry: UInt64) {
        self.start = start
        self.entry = entry
    }
}
