import Domain

/// The limits of what people and programs may write into the registry.
enum Checks {
    static func text(_ text: String, _ what: String) throws(AlulaError) {
        guard text.utf8.count <= Limits.textBytes else {
            throw .invalid(
                "\(what) has \(text.utf8.count) bytes: at most \(Limits.textBytes) are taken"
            )
        }
    }

    /// Params or tags: keys of moderate length without control characters.
    static func entries(_ entries: [String: String], _ what: String) throws(AlulaError) {
        guard entries.count <= Limits.runEntries else {
            throw .invalid(
                "\(entries.count) \(what)s at once: at most \(Limits.runEntries) are taken"
            )
        }
        for (key, value) in entries {
            guard (1...Limits.nameLength).contains(key.utf8.count), !hasControl(key) else {
                throw .invalid(
                    "a \(what)'s key has 1 to \(Limits.nameLength) bytes and no control characters"
                )
            }
            try text(value, "\(what) \"\(key)\"")
        }
    }

    /// Plain file names, each once: a download never leaves its directory.
    static func artifactNames(_ names: [String]) throws(AlulaError) {
        guard names.count <= Limits.versionArtifacts else {
            throw .invalid(
                "\(names.count) artifacts: a version has at most \(Limits.versionArtifacts)"
            )
        }
        var seen: Set<String> = []
        for name in names {
            guard isFileName(name) else {
                throw .invalid(
                    "an artifact's name is a plain file name of 1 to 255 bytes, without '/', '\\', '..' "
                        + "and control characters"
                )
            }
            guard seen.insert(name).inserted else {
                throw .invalid("artifact \"\(name)\" is there twice")
            }
        }
    }

    private static func isFileName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && name != "." && !name.contains("..")
            && !name.contains("/") && !name.contains("\\") && !hasControl(name)
    }

    private static func hasControl(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
