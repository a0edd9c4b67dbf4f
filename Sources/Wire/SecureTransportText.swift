/// What OpenSSL says in its words, without where in its source it said so.
package enum SecureTransportText {
    /// `wrong version number` of
    /// `…error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …`; any other text as it
    /// is.
    package static func reason(_ error: any Error) -> String {
        let text = String(describing: error)
        let mark = "OPENSSL_internal:"
        guard let start = text.indices.first(where: { text[$0...].hasPrefix(mark) }) else {
            return words(text)
        }
        let name = text[text.index(start, offsetBy: mark.count)...].prefix {
            $0 == "_" || $0.isLetter
        }
        return name.lowercased().split(separator: "_").joined(separator: " ")
    }

    /// `failed to load certificate` of `failedToLoadCertificate`.
    private static func words(_ text: String) -> String {
        guard text.allSatisfy({ $0.isLetter && $0.isASCII }) else { return text }
        return text.reduce(into: "") { words, letter in
            words += letter.isUppercase ? " \(letter.lowercased())" : String(letter)
        }
    }
}
