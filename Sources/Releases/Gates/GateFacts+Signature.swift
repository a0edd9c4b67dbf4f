import Domain

extension GateFacts {
    /// Whether callers of the present holder can go on as they do: the same key columns and the
    /// same request fields, of the same types.
    func judgeSignature() -> GateVerdict.RuleVerdict {
        let rule = Gate.Rule.signatureDescription
        guard let holder else {
            return .init(
                rule: rule,
                outcome: .passed,
                reason: "there is no holder to compare with"
            )
        }
        guard let service, let holderService else {
            let who = service == nil ? "the version" : "version \(holder.number), the holder,"
            return .init(rule: rule, outcome: .cannotTell, reason: "\(who) reads no service")
        }
        let (asked, sent) = (service.takes, holderService.takes)
        var differences: [String] = []
        for (column, type) in asked.sorted(by: { $0.key < $1.key }) {
            switch sent[column] {
            case nil: differences.append("takes \(column) (\(type)), which callers do not send")
            case .some(let other) where other != type:
                differences.append("takes \(column) as \(type), callers send \(other)")
            case .some: break
            }
        }
        for column in sent.keys.sorted() where asked[column] == nil {
            differences.append("does not take \(column), which callers send")
        }
        let services =
            "\(service.reference), the holder (version \(holder.number)) "
            + "\(holderService.reference)"
        return .init(
            rule: rule,
            outcome: differences.isEmpty ? .passed : .failed,
            reason: differences.isEmpty
                ? services : "\(services): it " + differences.joined(separator: ", ")
        )
    }
}

extension FeatureService {
    /// What a caller sends: keys and request fields, with their types.
    fileprivate var takes: [String: String] {
        var columns: [String: String] = [:]
        for projection in projections {
            for key in projection.keyColumns { columns[key.name.text] = key.type.name }
        }
        for field in requestFields { columns[field.name.text] = "\(field.type)" }
        return columns
    }
}
