package import Domain

extension RegistryStore {
    /// Lets a name point at a version; nil leaves the protection as it is, or off where it is new.
    ///
    /// Compare-and-set on the model's revision where one is expected. A protected alias is moved,
    /// and protection taken off, only by a verified actor who may promote.
    package func setAlias(
        _ name: AliasName,
        to number: UInt32,
        of model: RegisteredModelName,
        isProtected: Bool? = nil,
        expectedRevision: UInt64? = nil,
        call: WriteCall,
        answer: (ModelAlias) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        guard !name.text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .invalid("alias \"\(name)\" would be taken for the number of a version")
        }
        return try write("set alias", call: call) { tables in
            let model = try tables.requireModel(model, in: call.project)
            try model.require(expectedRevision)
            let version = try tables.requireVersion(number, of: model)
            let before = try tables.alias(name, of: model)
            try Self.checkRight(to: "move", before, call)
            if isProtected == true { try Self.checkMayProtect(call) }
            let alias = ModelAlias(
                name: name,
                version: version.number,
                isProtected: isProtected ?? before?.isProtected ?? false,
                since: before?.version == number ? before?.since ?? call.now : call.now,
                actor: call.actor
            )
            let isSame =
                before?.version == alias.version && before?.isProtected == alias.isProtected
            if !isSame {
                try tables.put(alias, of: model)
                try tables.raiseRevision(of: model)
                try tables.tell(.aliasSet, of: number, in: model, call, alias: name)
                try tables.audit(
                    "set alias",
                    "model:\(model.name)",
                    ["alias": name.text, "version": String(number)],
                    call,
                    change: try AuditChange(aliasBefore: before, after: alias)
                )
            }
            return try answer(isSame ? before ?? alias : alias)
        }
    }

    /// Removes an alias; a protected one likewise.
    package func deleteAlias(
        _ name: AliasName,
        of model: RegisteredModelName,
        call: WriteCall,
        answer: (ModelAlias) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try write("delete alias", call: call) { tables in
            let model = try tables.requireModel(model, in: call.project)
            let alias = try tables.requireAlias(name, of: model)
            try Self.checkRight(to: "remove", alias, call)
            try tables.remove(alias, of: model)
            try tables.raiseRevision(of: model)
            try tables.tell(.aliasDeleted, of: alias.version, in: model, call, alias: name)
            try tables.audit(
                "delete alias",
                "model:\(model.name)",
                ["alias": name.text],
                call,
                change: try AuditChange(aliasBefore: alias, after: nil)
            )
            return try answer(alias)
        }
    }

    /// By name.
    package func aliases(
        of model: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> [ModelAlias] {
        try read { try $0.aliases(of: try $0.requireModel(model, in: project)) }
    }

    private static func checkRight(
        to act: String,
        _ alias: ModelAlias?,
        _ call: WriteCall
    ) throws(AlulaError) {
        guard let alias, alias.isProtected else { return }
        guard call.identity.isVerified, call.identity.may(.promote) else {
            throw AlulaError(
                .permissionDenied,
                "alias \"\(alias.name)\" is protected: to \(act) it takes a verified promoter",
                help: "use a token with the role promoter"
            )
        }
    }

    private static func checkMayProtect(_ call: WriteCall) throws(AlulaError) {
        guard call.identity.may(.promote) else {
            throw AlulaError(
                .permissionDenied,
                "to protect an alias takes the role promoter"
            )
        }
    }
}

extension AuditChange {
    private struct StoredAlias: Encodable {
        var version: UInt32
        var protected: Bool
    }

    fileprivate init(aliasBefore before: ModelAlias?, after: ModelAlias?) throws {
        self.init()
        func text(_ alias: ModelAlias?) throws -> String {
            try alias.map {
                try RegistryTables.json(
                    StoredAlias(version: $0.version, protected: $0.isProtected)
                )
            } ?? ""
        }
        self.before = try text(before)
        self.after = try text(after)
    }
}
