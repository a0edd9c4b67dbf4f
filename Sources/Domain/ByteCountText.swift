/// Reads a number of bytes as people write it: `0`, `65536`, `512KiB`, `512MiB`, `2GiB`, `1TiB`; nil
/// where it is none.
public func byteCount(_ text: String) -> Int? {
    let units: [(name: String, shift: Int)] = [
        ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0), ("", 0),
    ]
    for unit in units where text.hasSuffix(unit.name) {
        let digits = text.dropLast(unit.name.count)
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }),
            let number = Int(digits)
        else { return nil }
        let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: 1 << unit.shift)
        return isTooLarge ? nil : bytes
    }
    return nil
}
