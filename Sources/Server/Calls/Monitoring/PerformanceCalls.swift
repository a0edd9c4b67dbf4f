import Codec
import Domain
import Registry
import Served
import Statistics
import Wire

extension Dispatcher {
    func performance(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePerformanceRequest.self, from: call.control)
        let name = try servedName(request.model, request.head)
        guard request.windowUs >= 0 else { throw AlulaError.invalid("the window is negative") }
        var query = ServedQuery(name)
        query.versions = request.versions.isEmpty ? nil : Set(request.versions)
        query.since = request.hasSinceUs ? Timestamp(microseconds: request.sinceUs) : nil
        query.until = request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil
        query.withStatuses = false
        query.columns = request.by.isEmpty ? [] : [request.by]
        // A version that does not have the feature is left out, and named.
        query.takesWhatIsThere = true
        var slices = PerformanceSlices(windowMicroseconds: request.windowUs, by: request.by)
        try ServedScan(services.served).scan(query, isCancelled: { call.isEnded }) { batch in
            try slices.add(batch)
        }
        try call.checkEnded()
        if slices.isWithoutAny { throw try noSuchFeature(request.by, query) }
        var answer = slices.answer
        let refused = try services.served.refused(of: name, from: query.since, until: query.until)
        answer.refused = refused.filter { query.versions?.contains($0.key) ?? true }
            .sorted { $0.key < $1.key }.map { version, rows in
                var item = WireVersionRows()
                item.version = version
                item.rows = UInt64(rows.rounded(.up))
                return item
            }
        for version in Set(answer.slices.map(\.version)).sorted() {
            let record = try services.registry.version(
                .version(version),
                of: name.model,
                project: name.project
            )
            var figures = WireVersionFigures()
            figures.version = version
            figures.figures = record.metrics.map { metric in
                var figure = WireFigure()
                figure.name = metric.name.text
                figure.value = metric.value
                return figure
            }
            answer.training.append(figures)
        }
        return try Answer(answer)
    }

    /// None of the vectors has it: says what they have.
    private func noSuchFeature(_ feature: String, _ query: ServedQuery) throws -> AlulaError {
        var query = query
        query.columns = nil
        var cursor = try ServedScan(services.served).cursor(query)
        let fields = try cursor.next(isCancelled: { false })?.schema.fields ?? []
        return .invalid(
            "what was served has no feature or key \"\(feature)\"",
            help: "it has: "
                + fields.map(\.name).filter { !$0.contains("@") }.joined(separator: ", ")
        )
    }
}

/// Predictions and outcomes by version, window and value of a feature.
struct PerformanceSlices {
    private struct Key: Hashable {
        var version: UInt32
        var window: Int64
        var value: String?
    }

    private struct Slice {
        var rows: UInt64 = 0
        var missing: UInt64 = 0
        var unpredicted: UInt64 = 0
        var failed: UInt64 = 0
        var predictions: [Double] = []
        var outcomes: [Double] = []
        var predictedTexts: [String] = []
        var outcomeTexts: [String] = []
    }

    /// Whether each version of the model counts apart.
    enum Versions {
        case apart
        case together
    }

    private let windowMicroseconds: Int64
    private let by: String
    private let versions: Versions
    /// Whether predictions are compared with outcomes; else rows are only counted.
    private let compares: Bool
    private var slices: [Key: Slice] = [:]
    private var pairs = 0
    /// Whether scores are 0 to 1 and outcomes 0 or 1, all of them.
    private var isBinary = true
    private var isText = false
    /// Rows of versions that lack the feature.
    private var lacking: [UInt32: UInt64] = [:]

    /// Slices and rows with an outcome that are held at most.
    static let mostSlices = 1_000
    static let mostPairs = 10_000_000

    init(
        windowMicroseconds: Int64,
        by: String,
        versions: Versions = .apart,
        compares: Bool = true
    ) {
        self.versions = versions
        self.compares = compares
        self.windowMicroseconds = windowMicroseconds
        self.by = by
    }

    mutating func add(_ batch: RecordBatch) throws(AlulaError) {
        guard let versions = batch[ServedColumn.modelVersion],
            let times = batch[ServedColumn.servedTime],
            let predictions = batch[ServedColumn.prediction],
            let failures = batch[ServedColumn.failure],
            let outcomes = batch[ServedColumn.outcome]
        else { throw AlulaError(.internal, "a scan of the log lacks its own columns") }
        var values: Column?
        if !by.isEmpty {
            guard !by.contains("@"), let column = batch[by] else {
                for version in versions.uint32s { lacking[version, default: 0] += 1 }
                return
            }
            values = column
        }
        for row in 0..<batch.rowCount {
            let time = times.load(row, as: Int64.self)
            let window =
                windowMicroseconds == 0
                ? 0 : time - Self.remainder(time, windowMicroseconds)
            let key = Key(
                version: self.versions == .together
                    ? 0 : UInt32(truncatingIfNeeded: versions.load(row, as: Int32.self)),
                window: window,
                value: values.flatMap { Self.text($0[row]) }
            )
            if failures.isValid(row), !predictions.isValid(row) {
                try reserve(key)
                slices[key, default: Slice()].failed += 1
            } else {
                try add(predictions[row], outcomes[row], to: key)
            }
        }
    }

    private static func remainder(_ time: Int64, _ window: Int64) -> Int64 {
        let rest = time % window
        return rest < 0 ? rest + window : rest
    }

    /// Whether nothing was counted because no version has the feature.
    var isWithoutAny: Bool { slices.isEmpty && !lacking.isEmpty }

    private func reserve(_ key: Key) throws(AlulaError) {
        if slices[key] == nil, slices.count == Self.mostSlices {
            throw .invalid(
                "more than \(Self.mostSlices) windows and values to tell apart",
                help: "take a longer window, a shorter span of time, or a feature of fewer values"
            )
        }
    }

    private mutating func add(
        _ prediction: FeatureValue,
        _ outcome: FeatureValue,
        to key: Key
    ) throws(AlulaError) {
        try reserve(key)
        guard prediction != .null else {
            slices[key, default: Slice()].unpredicted += 1
            return
        }
        slices[key, default: Slice()].rows += 1
        guard outcome != .null else {
            slices[key, default: Slice()].missing += 1
            return
        }
        guard compares else { return }
        pairs += 1
        guard pairs <= Self.mostPairs else {
            throw AlulaError(
                .resourceExhausted,
                "more than \(Self.mostPairs) predictions with an outcome are in that time",
                help: "take a shorter one: --since, --until"
            )
        }
        if let predicted = prediction.number, let actual = outcome.number {
            guard predicted.isFinite, actual.isFinite else { return }
            if actual != 0 && actual != 1 || predicted < 0 || predicted > 1 { isBinary = false }
            slices[key]?.predictions.append(predicted)
            slices[key]?.outcomes.append(actual)
        } else if let predicted = Self.text(prediction), let actual = Self.text(outcome) {
            isText = true
            slices[key]?.predictedTexts.append(predicted)
            slices[key]?.outcomeTexts.append(actual)
        } else {
            throw .invalid(
                "predictions and outcomes are compared as numbers or as texts: found lists or times"
            )
        }
    }

    /// Nil for null and for lists.
    private static func text(_ value: FeatureValue) -> String? {
        switch value {
        case .null, .list: nil
        case .bool(let bit): bit ? "true" : "false"
        case .int32(let number): String(number)
        case .int64(let number): String(number)
        case .float32(let number): "\(number)"
        case .float64(let number): "\(number)"
        case .string(let text): text
        case .bytes(let bytes): hexadecimal(bytes)
        case .timestamp(let time): time.description
        }
    }

    /// In the order of version, window and value.
    var answer: WirePerformance {
        var answer = WirePerformance()
        answer.without = lacking.sorted { $0.key < $1.key }.map { version, rows in
            var item = WireVersionRows()
            item.version = version
            item.rows = rows
            return item
        }
        answer.kind = isText ? "classes" : isBinary ? "binary" : "regression"
        let keys = slices.keys.sorted {
            ($0.version, $0.window, $0.value ?? "") < ($1.version, $1.window, $1.value ?? "")
        }
        answer.slices = keys.map { key in
            var item = WirePerformanceSlice()
            item.version = key.version
            if windowMicroseconds > 0 {
                item.sinceUs = key.window
                item.untilUs = key.window + windowMicroseconds - 1
            }
            if let value = key.value { item.value = value }
            if let slice = slices[key] { fill(&item, slice) }
            return item
        }
        return answer
    }

    private func fill(_ item: inout WirePerformanceSlice, _ slice: Slice) {
        item.rows = slice.rows
        item.missing = slice.missing
        item.unpredicted = slice.unpredicted
        item.failed = slice.failed
        if isText {
            item.figures =
                ClassPerformance(outcomes: slice.outcomeTexts, predictions: slice.predictedTexts)?
                .figures ?? []
        } else if isBinary {
            let found = BinaryPerformance(
                outcomes: slice.outcomes.map { $0 == 1 },
                scores: slice.predictions
            )
            item.figures = found?.figures ?? []
            item.calibration = (found?.calibration ?? []).map { bin in
                var wire = WireCalibrationBin()
                wire.rows = UInt64(bin.rows)
                wire.meanScore = bin.meanScore
                wire.shareOfOnes = bin.shareOfOnes
                return wire
            }
        } else {
            item.figures =
                RegressionPerformance(outcomes: slice.outcomes, predictions: slice.predictions)?
                .figures ?? []
        }
    }
}

extension FeatureValue {
    /// Nil for what is no number; true is 1.
    fileprivate var number: Double? {
        switch self {
        case .bool(let bit): bit ? 1 : 0
        case .int32(let number): Double(number)
        case .int64(let number): Double(number)
        case .float32(let number): Double(number)
        case .float64(let number): number
        case .null, .string, .bytes, .timestamp, .list: nil
        }
    }
}
