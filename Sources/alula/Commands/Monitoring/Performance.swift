import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Performance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how well what a model answered came true.",
        discussion: """
            Of logged reads with a prediction and an outcome: each version apart, each window and each \
            value of a feature where asked for. Below each figure stand the bounds between which the true \
            one lies 95 times in a hundred.
            """
    )

    @Argument(help: "The model.") var model: String
    @Option(help: "Tell each value of this feature, request field or key apart.") var by: String?
    @Option(help: "Tell windows of this length apart, such as 1d.") var window: String?
    @Option(help: "What was served from this time on.") var since: String?
    @Option(help: "What was served up to this time.") var until: String?
    @Option(help: "A version; may be given again. Else all.") var version: [UInt32] = []
    @OptionGroup var options: ServerOptions

    func run() async throws {
        var request = WirePerformanceRequest()
        request.model = model
        request.by = by ?? ""
        request.versions = version
        if let since { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        if let window {
            guard let span = TimeSpan(text: window), span.microseconds > 0 else {
                throw AlulaError.invalid("--window \(window): expected a span of time such as 1d")
            }
            request.windowUs = span.microseconds
        }
        let found = try await options.client().performance(request)
        PerformanceText.show(found, by: by, json: options.json)
    }
}
