import ArgumentParser
import Client
import Digest
import Domain
import Glibc
import Tabular
import Wire

struct Artifact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Upload, download and list artifacts.",
        subcommands: [Put.self, Get.self, List.self],
        aliases: ["artifacts"]
    )

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Upload files and directories, as far as they are not there, and print digests."
        )
        @Argument(help: "Files and directories.") var paths: [String]
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let progress = Progress(json: options.json)
            let upload = ArtifactUpload(client: try options.client(), progress: progress)
            var stored: [WireVersionArtifact] = []
            for path in paths { stored.append(try await upload.put(path)) }
            progress.finish()
            guard !options.json else {
                return Output.json(
                    .array(
                        stored.map {
                            .object([
                                ("name", .string($0.name)), ("digest", .string($0.digest)),
                                ("bytes", .uint($0.bytes)), ("directory", .bool($0.directory)),
                            ])
                        }
                    )
                )
            }
            for artifact in stored { Output.line("\(artifact.digest)  \(artifact.name)") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the artifacts of a model's versions, newest first."
        )
        @Argument(help: "The model.") var model: String
        @Argument(help: "A version.") var version: UInt32?
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            let versions =
                if let version {
                    [try await client.version(version, of: model)]
                } else { try await client.versions(of: model) }
            guard !options.json else {
                return Output.json(
                    .array(versions.flatMap { v in v.artifacts.map { Self.json(v.version, $0) } })
                )
            }
            var table = TextTable([
                ("version", .right), ("name", .left), ("bytes", .right), ("digest", .left),
            ])
            for version in versions {
                for artifact in version.artifacts {
                    table.add([
                        String(version.version), artifact.name + (artifact.directory ? "/" : ""),
                        artifact.directory ? "" : String(artifact.bytes), artifact.digest,
                    ])
                }
            }
            Output.table(table)
        }

        private static func json(_ version: UInt32, _ artifact: WireVersionArtifact) -> JSONValue {
            .object([
                ("version", .uint(UInt64(version))), ("name", .string(artifact.name)),
                ("digest", .string(artifact.digest)), ("bytes", .uint(artifact.bytes)),
                ("directory", .bool(artifact.directory)),
            ])
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Download an artifact, checked against its digest.",
            discussion: "An interrupted download of a file is gone on with by the next."
        )
        @Argument(help: "Its digest: 64 hexadecimal digits.") var digest: String
        @Option(help: "Where it goes; - for standard output.") var out: String
        @Flag(help: "It is a directory: write its files, beneath a new one.") var directory = false
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let expected = try ContentDigest(hex: digest)
            let progress = Progress(json: options.json)
            let download = ArtifactDownload(client: try options.client(), progress: progress)
            let received =
                directory
                ? try await download.getDirectory(expected, to: out)
                : try await download.getFile(expected, to: out)
            progress.finish()
            guard out != "-" else { return }
            if options.json {
                Output.json(.object([("digest", .string(digest)), ("bytes", .uint(received))]))
            } else {
                Output.line("\(out): \(byteText(received))")
            }
        }
    }
}
