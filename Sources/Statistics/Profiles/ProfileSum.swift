/// Adds up profiles of one table, made at different times.
///
/// Counts, moments and the different values of few are exact. Of 24 sketches one is made at a time, and
/// of 24 of those another: the rank of a quantile is off by 0.05 % of all for each such level, on top of
/// what the profiles themselves are off by.
package struct ProfileSum: Sendable {
    private static let width = 24

    /// Of each level what is not added up yet.
    private var levels: [[TableProfile]] = []

    package init() {}

    package mutating func add(_ profile: TableProfile) { add(profile, 0) }

    private mutating func add(_ profile: TableProfile, _ level: Int) {
        while levels.count <= level { levels.append([]) }
        levels[level].append(profile)
        guard levels[level].count == Self.width else { return }
        let whole = TableProfile.merging(levels[level])
        levels[level] = []
        add(whole, level + 1)
    }

    /// Empty where nothing was added.
    package consuming func finish() -> TableProfile {
        // The oldest first, so that the newest type of a feature counts.
        TableProfile.merging(levels.reversed().flatMap { $0 })
    }
}

extension TableProfile {
    /// All of them in one; of a feature whose type was changed only what has its newest type.
    package static func merging(_ profiles: [TableProfile]) -> TableProfile {
        var whole = TableProfile(rows: 0, features: [])
        var order: [String] = []
        var found: [String: [FeatureProfile]] = [:]
        for profile in profiles {
            whole.rows += profile.rows
            for feature in profile.features {
                if found[feature.name] == nil { order.append(feature.name) }
                if let first = found[feature.name]?.first, first.type != feature.type {
                    found[feature.name] = []
                }
                found[feature.name, default: []].append(feature)
            }
        }
        whole.features = order.compactMap { name in
            found[name].flatMap { $0.count == 1 ? $0[0] : FeatureProfile.merging($0) }
        }
        return whole
    }
}
