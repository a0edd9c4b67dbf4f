package import Domain
import Registry
package import Statistics
package import Wire

extension Dispatcher {
    func profile(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireProfileRequest.self, from: call.control)
        let record = try trainingSet(request.trainingSet, try CallHead(request.head))
        return try Answer(WireProfile(try profile(of: record)))
    }

    func drift(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireDriftRequest.self, from: call.control)
        guard request.view.isEmpty else { return try viewDrift(request, call) }
        guard request.model.isEmpty else { return try servedDrift(request, call) }
        let head = try CallHead(request.head)
        let options = try DriftOptions(request)
        let reference = try trainingSet(request.trainingSet, head)
        let current = try trainingSet(request.current, head)
        let (before, now) = (try profile(of: reference), try profile(of: current))
        let report = DriftReport(
            reference: before,
            current: now,
            columns: try Self.columns(request.features, of: reference, before),
            options: options
        )
        var answer = WireDrift(report)
        answer.reference = reference.id.text
        answer.current = current.id.text
        answer.referenceRows = before.rows
        answer.currentRows = now.rows
        return try Answer(answer)
    }

    func profile(of record: TrainingSetRecord) throws -> TableProfile {
        guard let bytes = try services.registry.profile(of: record.id) else {
            throw AlulaError.notFound(
                "training set \(record.id) has no profile any more: rows of its spine were forgotten",
                help: "make a new training set of the same spine"
            )
        }
        return try TableProfile(decoding: bytes)
    }

    /// Those asked for; else the vector of the service and the label, as far as they have a profile.
    private static func columns(
        _ asked: [String],
        of record: TrainingSetRecord,
        _ profile: TableProfile
    ) throws(AlulaError) -> [String] {
        guard !asked.isEmpty else {
            let label = record.label.isEmpty ? [] : [record.label]
            return (record.featureColumns + label).filter { profile[$0] != nil }
        }
        for name in asked where profile[name] == nil {
            throw .invalid(
                "training set \(record.id) has no profile of \"\(name)\"",
                help: "it has: " + profile.features.map(\.name).joined(separator: ", ")
            )
        }
        return asked
    }
}

extension DriftOptions {
    /// What a request asks for; what it leaves out is as usual.
    package init(_ request: WireDriftRequest) throws(AlulaError) {
        self.init()
        if !request.test.isEmpty {
            guard let test = DriftTest(rawValue: request.test) else {
                let known = DriftTest.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("\"\(request.test)\" is no test: expected one of \(known)")
            }
            self.test = test
        }
        if request.hasThreshold { threshold = try Self.positive(request.threshold, "threshold") }
        if request.hasShare { share = try Self.positive(request.share, "share") }
        guard share <= 1 else { throw .invalid("the share of features is above 1: \(share)") }
    }

    private static func positive(_ number: Double, _ name: String) throws(AlulaError) -> Double {
        guard number.isFinite, number > 0 else {
            throw .invalid("\(name): a number above 0 is expected, not \(number)")
        }
        return number
    }
}
