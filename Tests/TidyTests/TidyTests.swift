import Foundation
import Testing

/// The rules of the house that a compiler does not hold.
struct TidyTests {
    private static let top = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func files(_ folder: String, suffix: String) throws -> [String] {
        let root = top.appending(path: folder)
        return try FileManager.default.subpathsOfDirectory(atPath: root.path())
            .filter { $0.hasSuffix(suffix) && !$0.contains("Generated/") }
            .map { folder + "/" + $0 }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: top.appending(path: path), encoding: .utf8)
    }

    private static func imports(_ text: String) -> Set<String> {
        var modules: Set<String> = []
        for line in text.split(separator: "\n") {
            var words = line.split(separator: " ").map(String.init)
            if let first = words.first,
                ["package", "public", "internal", "private"].contains(first)
            {
                words.removeFirst()
            }
            if words.first == "@preconcurrency" || words.first == "@testable" {
                words.removeFirst()
            }
            if words.count >= 2, words[0] == "import" { modules.insert(words.last ?? "") }
        }
        return modules
    }

    /// Area -> the areas it may import, as Package.swift lists them.
    private static func table() throws -> [String: Set<String>] {
        let manifest = try text("Package.swift").split(separator: "// Level 0").last ?? ""
        var table: [String: Set<String>] = [:]
        for part in manifest.split(separator: "+ area(").dropFirst() {
            let words = part.split(separator: "\"", omittingEmptySubsequences: false)
            let row = stride(from: 1, to: words.count, by: 2).map { String(words[$0]) }
            guard let name = row.first else { continue }
            table[name] = Set(row.dropFirst())
        }
        return table
    }

    @Test func `an area imports only the areas that Package.swift gives it`() throws {
        let table = try Self.table()
        #expect(table.count >= 15)
        let areas = Set(table.keys).union(["CRocksDB", "COpenSSL", "Migrations"])
        for (name, uses) in table {
            for file in try Self.files("Sources/\(name)", suffix: ".swift") {
                let imported = try Self.imports(Self.text(file)).intersection(areas)
                #expect(
                    imported.subtracting(uses).isEmpty,
                    "\(file) imports \(imported.subtracting(uses))"
                )
            }
        }
    }

    @Test func `C libraries are imported by their faces only`() throws {
        for file in try Self.files("Sources", suffix: ".swift") {
            let imported = try Self.imports(Self.text(file))
            if imported.contains("CRocksDB") {
                #expect(file.hasPrefix("Sources/RocksDB/"), "\(file)")
            }
            if imported.contains("COpenSSL") {
                #expect(file.hasPrefix("Sources/Digest/"), "\(file)")
            }
        }
    }

    @Test func `no file is longer than 600 lines`() throws {
        for folder in ["Sources", "Tests", "clients/python/src", "clients/python/tests"] {
            for file in try Self.files(
                folder,
                suffix: folder.hasPrefix("clients") ? ".py" : ".swift"
            )
            where !file.contains("/_proto/") {
                let lines = try Self.text(file).split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                )
                #expect(lines.count <= 600, "\(file) has \(lines.count) lines")
            }
        }
    }

    @Test func `files are named for what they hold`() throws {
        let banned = ["Manager", "Helper", "Util", "Impl", "Base", "Common", "Misc"]
        for file in try Self.files("Sources", suffix: ".swift") {
            let name = URL(filePath: file).deletingPathExtension().lastPathComponent
            for word in banned where name.hasSuffix(word) || name.hasSuffix(word + "s") {
                Issue.record("\(file): \(word) says nothing of what it does")
            }
        }
    }

    @Test func `nothing is left for later in the sources`() throws {
        let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "not implemented"]
        for file in try Self.files("Sources", suffix: ".swift")
            + Self.files("clients/python/src", suffix: ".py")
        {
            let text = try Self.text(file)
            for mark in marks { #expect(!text.contains(mark), "\(file) has \(mark)") }
        }
    }

    @Test func `the README maps every source folder`() throws {
        let readme = try Self.text("README.md")
        for name in try FileManager.default.contentsOfDirectory(
            atPath: Self.top.appending(path: "Sources").path()
        ) {
            #expect(readme.contains("`\(name)`"), "README.md does not say what Sources/\(name) is")
        }
    }

    @Test func `tests have no sleeps`() throws {
        for file in try Self.files("Tests", suffix: ".swift") where !file.contains("TidyTests") {
            #expect(
                try !Self.text(file).contains("sleep("),
                "\(file) sleeps: wait for the thing itself"
            )
        }
    }
}
