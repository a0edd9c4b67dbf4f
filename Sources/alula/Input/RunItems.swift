import ArgumentParser
import Domain
import Wire

/// Inputs and outputs of runs as words: `uri:s3://bucket/x`, `view:credit_history`, `version:credit@3`.
enum RunItems {
    static func help(_ what: String) -> ArgumentHelp {
        ArgumentHelp(
            "\(what): artifact:DIGEST, training-set:ID, version:MODEL@N, view:NAME or uri:ADDRESS.",
            valueName: "kind:target"
        )
    }

    static func wire(_ word: String) throws -> WireRunItem {
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let kind = parts[0] == "training-set" ? "training set" : String(parts[0])
        guard parts.count == 2, !parts[1].isEmpty, RunItem.Kind(rawValue: kind) != nil else {
            throw ValidationError(
                "\"\(word)\" is not artifact:, training-set:, version:, view: or uri: and what it is."
            )
        }
        var item = WireRunItem()
        item.kind = kind
        item.target = String(parts[1])
        return item
    }

    static func artifact(_ stored: WireVersionArtifact) -> WireRunItem {
        var item = WireRunItem()
        item.kind = RunItem.Kind.artifact.rawValue
        item.target = stored.digest
        item.name = stored.name
        return item
    }
}
