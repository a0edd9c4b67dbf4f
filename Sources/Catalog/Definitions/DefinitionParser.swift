import Domain
import Yams

/// One file of an apply; its name is for messages.
package struct DefinitionFile: Sendable, Hashable {
    package var name: String
    package var yaml: String

    package init(name: String, yaml: String) {
        self.name = name
        self.yaml = yaml
    }
}

/// Text to YAML documents.
///
/// What the YAML library would stop at is noted, and reading goes on where it can.
struct DefinitionParser {
    let mistakes: Mistakes
    /// Marks a key that was written twice, so that the file can be read on without it.
    private static let repeatedMark: Character = "\u{E000}"
    private static let maxRepeatedKeys = 100

    static func isRepeated(_ key: Node) -> Bool {
        guard case .scalar(let scalar) = key else { return false }
        return scalar.string.first == repeatedMark
    }

    /// The documents of a file that is not too long and is YAML.
    func documents(_ file: DefinitionFile, index: Int) -> [DefinitionNode] {
        let top = Place(index: index, file: file.name, line: 1)
        guard file.yaml.utf8.count <= Limits.definitionsBytes else {
            mistakes.note(
                top,
                "the file has \(file.yaml.utf8.count) bytes: at most \(Limits.definitionsBytes) are "
                    + "taken; split it"
            )
            return []
        }
        if let line = Self.lineOfAlias(in: file.yaml) {
            mistakes.note(
                Place(index: index, file: file.name, line: line),
                "anchors and aliases are not taken: write the definition out"
            )
            return []
        }
        // An editor's byte order mark.
        let hasMark = file.yaml.unicodeScalars.first == "\u{FEFF}"
        var text = hasMark ? String(file.yaml.unicodeScalars.dropFirst()) : file.yaml
        var wasQuoted = false
        var repeated = 0
        while true {
            do {
                return try compose(text).map { DefinitionNode($0, in: top, mistakes: mistakes) }
            } catch YamlError.duplicatedKeysInMapping(let names, let context)
                where repeated < Self.maxRepeatedKeys
            {
                repeated += 1
                let place = Place(index: index, file: file.name, line: context.mark.line)
                mistakes.note(
                    place,
                    "\"\(names.first ?? "")\" stands more than once in this mapping"
                )
                guard let marked = Self.marking(text, at: context.mark) else { return [] }
                text = marked
            } catch {
                let quoted = wasQuoted ? text : Self.quotingListTypes(text)
                if quoted != text {
                    text = quoted
                    wasQuoted = true
                    continue
                }
                let (line, problem) = Self.describe(error)
                mistakes.note(
                    Place(index: index, file: file.name, line: line),
                    "not valid YAML: \(problem)"
                )
                return []
            }
        }
    }

    private func compose(_ text: String) throws -> [Node] {
        let parser = try Parser(yaml: text, encoding: .utf8)
        var nodes: [Node] = []
        while let node = try parser.nextRoot() { nodes.append(node) }
        return nodes
    }

    /// Where an alias stands whose anchor is in the text.
    ///
    /// A few aliases of aliases can stand for billions of nodes, so they are refused before
    /// anything is made of them.
    private static func lineOfAlias(in text: String) -> Int? {
        let anchors = Set(
            text.matches(of: /(?:^|[\s\[{,:?-])&([A-Za-z0-9_-]+)/).map { String($0.output.1) }
        )
        guard !anchors.isEmpty else { return nil }
        let alias = text.matches(of: /(?:^|[\s\[{,:?-])\*([A-Za-z0-9_-]+)/)
            .first { anchors.contains(String($0.output.1)) }
        return alias.map { text[..<$0.range.upperBound].count { $0.isNewline } + 1 }
    }

    /// The text with a mark before the key that stands at `mark`.
    private static func marking(_ text: String, at mark: Mark) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.indices.contains(mark.line - 1) else { return nil }
        var line = lines[mark.line - 1].unicodeScalars
        guard
            let position = line.index(
                line.startIndex,
                offsetBy: mark.column - 1,
                limitedBy: line.endIndex
            )
        else { return nil }
        line.insert(contentsOf: String(repeatedMark).unicodeScalars, at: position)
        lines[mark.line - 1] = String(line)
        return lines.joined(separator: "\n")
    }

    /// `{embedding: float32[64]}` is not YAML, though everybody writes it: between braces, a text
    /// with brackets must be quoted.
    ///
    /// This quotes such types.
    private static func quotingListTypes(_ text: String) -> String {
        text.replacing(/:([ \t]+)([a-z]+[0-9]*\[[0-9]*\])(?=[ \t]*[,}])/) {
            ":\($0.output.1)\"\($0.output.2)\""
        }
    }

    private static func describe(_ error: any Error) -> (line: Int, problem: String) {
        guard let error = error as? YamlError else { return (1, "\(error)") }
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let start = context.map { ", \($0.text) that begins in line \($0.mark.line)" } ?? ""
            return (mark.line, problem + start)
        case .reader(let problem, let offset, _, let yaml):
            let before = offset.map { yaml.prefix($0) } ?? ""
            return (before.count { $0.isNewline } + 1, problem)
        case .duplicatedKeysInMapping(let names, let context):
            return (context.mark.line, "\(names.joined(separator: ", ")) stands more than once")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return (1, "it could not be read")
        }
    }
}
