/// A part of a whole, in hundredths of a percent.
public struct Share: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let hundredths: UInt32

    public static let none = Share(unchecked: 0)
    public static let all = Share(unchecked: 10_000)

    fileprivate init(unchecked hundredths: UInt32) { self.hundredths = hundredths }

    /// Nil for more than all.
    public init?(hundredths: UInt32) {
        guard hundredths <= Self.all.hundredths else { return nil }
        self.hundredths = hundredths
    }

    /// Takes `10%`, `0.5%` or `33.33%`.
    public init(text: String) throws(AlulaError) {
        let mistake = AlulaError.invalid(
            "\"\(text.prefix(64))\" is not a share: expected a percentage such as 10% or 0.25%"
        )
        guard text.hasSuffix("%") else { throw mistake }
        let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        let isNumber = parts.allSatisfy {
            !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) }
        }
        guard isNumber, (1...2).contains(parts.count), let whole = UInt32(parts[0]) else {
            throw mistake
        }
        var fraction: UInt32 = 0
        if parts.count == 2 {
            guard parts[1].utf8.count <= 2, let digits = UInt32(parts[1]) else {
                throw AlulaError.invalid(
                    "share \"\(text.prefix(64))\" is finer than a hundredth of a percent"
                )
            }
            fraction = parts[1].utf8.count == 1 ? digits * 10 : digits
        }
        guard whole <= 100, whole * 100 + fraction <= Self.all.hundredths else {
            throw AlulaError.invalid("a share is at most 100%: found \(text.prefix(64))")
        }
        hundredths = whole * 100 + fraction
    }

    public static func < (left: Share, right: Share) -> Bool { left.hundredths < right.hundredths }

    /// As it is written: `10%`, `0.25%`.
    public var description: String {
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return "\(whole)%" }
        return rest % 10 == 0
            ? "\(whole).\(rest / 10)%" : "\(whole).\(rest < 10 ? "0" : "")\(rest)%"
    }
}

/// The holders of a stage with their shares, which add up to all of it; or nobody.
///
/// Who entered last comes first. A holder without a share does not answer.
package struct StageSplit: Sendable, Hashable {
    package struct Part: Sendable, Hashable {
        package var version: UInt32
        package var share: Share

        package init(version: UInt32, share: Share) {
            self.version = version
            self.share = share
        }
    }

    package private(set) var parts: [Part]

    package static let nobody = StageSplit(unchecked: [])

    private init(unchecked parts: [Part]) { self.parts = parts }

    /// Nil where the shares do not add up to all, or a version is there twice.
    package init?(_ parts: [Part]) {
        let sum = parts.reduce(0) { $0 + $1.share.hundredths }
        guard parts.isEmpty || sum == Share.all.hundredths else { return nil }
        guard Set(parts.map(\.version)).count == parts.count else { return nil }
        self.parts = parts
    }

    package var isEmpty: Bool { parts.isEmpty }
    package var versions: [UInt32] { parts.map(\.version) }
    /// Those that answer, the greatest share first; of equal ones who came first.
    package var answering: [Part] {
        parts.reversed().filter { $0.share > .none }.enumerated()
            .sorted { ($1.element.share, $0.offset) < ($0.element.share, $1.offset) }
            .map(\.element)
    }
    /// The one with the greatest share.
    package var main: UInt32? { answering.first?.version }

    package func share(of version: UInt32) -> Share? {
        parts.first { $0.version == version }?.share
    }

    /// `version 3`, or `3 (90%), 4 (10%)` where several answer.
    package var text: String {
        let answering = answering
        guard answering.count > 1 else {
            return answering.first.map { "version \($0.version)" } ?? "nobody"
        }
        return "versions " + answering.map { "\($0.version) (\($0.share))" }.joined(separator: ", ")
    }
}

extension StageSplit {
    /// The version with this share, in front where it is new; the others keep the rest in
    /// proportion.
    ///
    /// Throws where nobody else answers, or somebody would be left with less than the smallest
    /// share.
    package func giving(_ share: Share, to version: UInt32) throws(AlulaError) -> StageSplit {
        let rest = Share.all.hundredths - share.hundredths
        let others = parts.filter { $0.version != version }
        guard share > .none else {
            throw .invalid(
                "a share of 0% is none",
                help: "take the version out with a rollback, or make it a shadow"
            )
        }
        guard rest == 0 || others.contains(where: { $0.share > .none }) else {
            throw .refused(
                "nobody else answers who could keep the other \(Share(unchecked: rest))",
                help: "promote it without a share: it gets all"
            )
        }
        let kept = try Self.scaled(others, to: rest)
        var after = kept
        if let place = parts.firstIndex(where: { $0.version == version }) {
            after.insert(Part(version: version, share: share), at: place)
        } else {
            after.insert(Part(version: version, share: share), at: 0)
        }
        return StageSplit(unchecked: after)
    }

    /// Everything for the version, in front where it is new; the others stay without a share.
    package func givingAll(to version: UInt32) -> StageSplit {
        var after = parts.map {
            Part(version: $0.version, share: $0.version == version ? .all : .none)
        }
        if !after.contains(where: { $0.version == version }) {
            after.insert(Part(version: version, share: .all), at: 0)
        }
        return StageSplit(unchecked: after)
    }

    /// Without these versions: the others share what they had, in proportion; where none of them had
    /// anything, the newest gets all.
    package func without(_ gone: Set<UInt32>) -> StageSplit {
        let left = parts.filter { !gone.contains($0.version) }
        guard let newest = left.first else { return .nobody }
        // Shares only grow here, so nobody is left without one.
        if left.contains(where: { $0.share > .none }),
            let scaled = try? Self.scaled(left, to: Share.all.hundredths)
        {
            return StageSplit(unchecked: scaled)
        }
        return StageSplit(unchecked: left).givingAll(to: newest.version)
    }

    /// By the greatest remainder; who had a share keeps one, unless there is nothing to share.
    private static func scaled(_ parts: [Part], to total: UInt32) throws(AlulaError) -> [Part] {
        let sum = parts.reduce(UInt64(0)) { $0 + UInt64($1.share.hundredths) }
        guard sum > 0, total > 0 else {
            return parts.map { Part(version: $0.version, share: .none) }
        }
        var shares = parts.map { UInt32(UInt64($0.share.hundredths) * UInt64(total) / sum) }
        var left = total - shares.reduce(0, +)
        let order = parts.indices.sorted {
            let (one, other) = (
                UInt64(parts[$0].share.hundredths) * UInt64(total) % sum,
                UInt64(parts[$1].share.hundredths) * UInt64(total) % sum
            )
            return (other, $0) < (one, $1)
        }
        for place in order where left > 0 && parts[place].share > .none {
            shares[place] += 1
            left -= 1
        }
        if let poor = parts.indices.first(where: { parts[$0].share > .none && shares[$0] == 0 }) {
            throw .refused(
                "version \(parts[poor].version) would be left with less than a hundredth of a percent",
                help: "promote it without a share, which takes the others out"
            )
        }
        return zip(parts, shares).map {
            Part(version: $0.version, share: Share(unchecked: $1))
        }
    }
}
