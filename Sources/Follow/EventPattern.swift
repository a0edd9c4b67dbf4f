package import Domain

/// Which events are wanted: `gate.refused`, `stage.*`, `*`, several with commas between them.
package struct EventPattern: Sendable, Hashable {
    private struct Part: Sendable, Hashable {
        /// What it is about and what happened; nil is any.
        var about: String?
        var what: String?

        func matches(_ name: String) -> Bool {
            let words = name.split(separator: ".", maxSplits: 1).map(String.init)
            guard words.count == 2 else { return about == nil && what == nil }
            return (about ?? words[0]) == words[0] && (what ?? words[1]) == words[1]
        }
    }

    private let parts: [Part]

    /// The names that there are.
    package static var names: [String] { RegistryEvent.Kind.allCases.map(\.name).sorted() }

    /// Throws where a part is of no event that there is.
    package init(_ text: String) throws(AlulaError) {
        var parts: [Part] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = Self.part(word)
            guard let part, Self.names.contains(where: part.matches) else {
                throw .invalid(
                    "there is no event \"\(word.prefix(64))\": expected a name or a pattern, as "
                        + "stage.promoted, stage.*, *.refused or *",
                    help: "the events are \(Self.names.joined(separator: ", "))"
                )
            }
            parts.append(part)
        }
        self.parts = parts
    }

    package func matches(_ name: String) -> Bool { parts.contains { $0.matches(name) } }

    private static func part(_ text: Substring) -> Part? {
        if text == "*" { return Part() }
        // freshness_lost is freshness.lost.
        if let name = names.first(where: { $0.replacingFirst(".", by: "_") == text }) {
            return part(name[...])
        }
        let words = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2 else { return nil }
        return Part(
            about: words[0] == "*" ? nil : words[0],
            what: words[1] == "*" ? nil : words[1]
        )
    }
}

extension String {
    fileprivate func replacingFirst(_ old: Character, by new: Character) -> String {
        guard let place = firstIndex(of: old) else { return self }
        return self[..<place] + String(new) + self[index(after: place)...]
    }
}
