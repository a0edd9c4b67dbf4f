import ArgumentParser
import Client
import Digest
import Domain

struct Artifact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download artifacts.",
        subcommands: [Get.self]
    )

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Download an artifact, checked against its digest."
        )
        @Argument(help: "Its digest: 64 hexadecimal digits.") var digest: String
        @Option(help: "Where it goes; - for standard output.") var out: String
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let expected = try ContentDigest(hex: digest)
            let client = try options.client()
            let progress = Progress(json: options.json)
            let total = try await client.artifactSize(expected)
            let file = try OutputFile(out)
            let hasher = SHA256Hasher()
            var received: UInt64 = 0
            _ = try await client.getArtifact(expected) { piece in
                hasher.update(piece)
                try file.write(piece)
                received += UInt64(piece.count)
                progress.show("downloading", done: received, total: total, note: byteText(received))
            }
            progress.finish()
            guard hasher.finish() == expected else {
                throw AlulaError.corrupt("what was downloaded does not have the digest \(digest)")
            }
            try file.finish()
            guard out != "-" else { return }
            if options.json {
                Output.json(.object([("digest", .string(digest)), ("bytes", .uint(received))]))
            } else {
                Output.line("\(out): \(byteText(received))")
            }
        }
    }
}
