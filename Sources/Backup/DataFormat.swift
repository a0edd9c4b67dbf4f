import Disk
package import Domain

/// The form of a data directory as a whole, in its file FORMAT.
///
/// Tables have migrations of their own; this number changes when files change their meaning.
package struct DataFormat: Sendable {
    /// Brings a directory from one form to the next; may be run again after a crash.
    package typealias Migration = @Sendable (_ directory: String) throws(AlulaError) -> Void

    package let number: Int
    private let migrations: [Int: Migration]

    /// What this Alula writes.
    package static let current = DataFormat(number: 1, migrations: [:])

    package init(number: Int, migrations: [Int: Migration]) {
        self.number = number
        self.migrations = migrations
    }

    package static let file = "FORMAT"
    private static let word = "alula "
    /// In the order in which a new directory gets them.
    private static let parts = ["catalog.sqlite", "online", "offline.sqlite"]
    /// What may lie in a new directory.
    private static let usual: Set<String> = ["LOCK", "RESTORING", "audit.key", "lost+found"]

    /// The number that a directory has; nil where it says none.
    package static func number(of directory: String) throws(AlulaError) -> Int? {
        let path = directory + "/" + file
        guard let bytes = try Files.contents(path, limit: 64) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix(word), text.hasSuffix("\n"),
            let number = Int(text.dropFirst(word.count).dropLast()), number >= 0
        else { throw .corrupt("\(path) cannot be read: expected \"\(word)\(current.number)\"") }
        return number
    }

    /// Makes a directory one of this form: a new one says so from now on, an older one is copied, then
    /// migrated, and a newer one is refused.
    ///
    /// `told` gets a line for people before what takes long.
    package func prepare(
        _ directory: String,
        told: (String) -> Void = { _ in }
    ) throws(AlulaError) {
        guard let found = try Self.number(of: directory) else {
            for part in Self.parts where try Files.exists(directory + "/" + part) {
                throw .refused(
                    "\(directory) has \(part) and no file \(Self.file): it is not a whole data directory",
                    help: "restore a backup, or copy all of the directory"
                )
            }
            let others = try Files.namesIfAny(in: directory).filter {
                !Self.usual.contains($0) && !$0.hasPrefix(".")
            }
            guard others.isEmpty else {
                throw .refused(
                    "\(directory) is not a data directory, and holds other things, such as "
                        + (others.min() ?? ""),
                    help: "name a data directory, or one that is missing or empty"
                )
            }
            return try write(number, to: directory)
        }
        guard found <= number else {
            throw .refused(
                "\(directory) was written by a newer Alula: it has format \(found), and this one knows "
                    + "formats up to \(number)",
                help: "start that version or a newer one, or restore a backup that this one made"
            )
        }
        try checkParts(of: directory)
        guard found < number else { return }
        try migrate(directory, from: found, told)
    }

    /// Throws where a part is gone that was there before others: made anew, it would give ids a
    /// second time, and old rows would be read by new names.
    private func checkParts(of directory: String) throws(AlulaError) {
        var isThere: [Bool] = []
        for path in Self.parts.map({ directory + "/" + $0 }) {
            let size = try Files.isDirectory(path) ? 1 : Files.size(path)
            isThere.append((size ?? 0) > 0)
        }
        guard let last = isThere.lastIndex(of: true),
            let gone = isThere[..<last].firstIndex(of: false)
        else { return }
        throw .refused(
            "\(directory) has \(Self.parts[last]) and no \(Self.parts[gone]), or an empty one: it is "
                + "not a whole data directory",
            help: "restore a backup, or copy all of the directory"
        )
    }

    private func migrate(
        _ directory: String,
        from found: Int,
        _ told: (String) -> Void
    ) throws(AlulaError) {
        let steps = (found..<number).map { migrations[$0] }
        guard !steps.contains(where: { $0 == nil }) else {
            throw .refused(
                "\(directory) has format \(found), which is too old for this Alula",
                help: "start an earlier version on it first"
            )
        }
        let copy = "\(directory).format-\(found)"
        if try !Files.exists(copy) {
            told("copying \(directory) to \(copy) before it is brought to format \(number)")
            try Self.copy(directory, to: copy)
        }
        for (step, migration) in zip(found..<number, steps) {
            told("bringing \(directory) from format \(step) to \(step + 1)")
            try migration?(directory)
            try write(step + 1, to: directory)
        }
    }

    private func write(_ number: Int, to directory: String) throws(AlulaError) {
        try Files.replace(directory + "/" + Self.file, with: Array("\(Self.word)\(number)\n".utf8))
        try Files.syncDirectory(directory)
    }

    /// It has its name when it is whole.
    private static func copy(_ directory: String, to target: String) throws(AlulaError) {
        let staged = target + ".tmp"
        try Files.removeTree(staged)
        try Files.makeDirectory(staged)
        var directories: Set<String> = [staged]
        for path in try Files.tree(directory) where path != "LOCK" {
            let parents = path.split(separator: "/").dropLast()
            try Files.makeDirectories(parents, in: staged)
            directories.insert(([staged] + parents.map(String.init)).joined(separator: "/"))
            let file = try File.create(staged + "/" + path)
            try Files.read(directory + "/" + path) { (piece) throws(AlulaError) in
                try file.write(piece[...])
            }
            try file.sync()
        }
        for directory in directories { try Files.syncDirectory(directory) }
        try Files.rename(staged, to: target)
        try Files.syncDirectory(Files.parent(of: target))
    }
}
