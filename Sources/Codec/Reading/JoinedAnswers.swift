package import Domain

/// Answers that one `AnswerPicks` took, end to end in columns.
package struct JoinedAnswers: Sendable {
    /// The vectors, in the order of the types.
    package private(set) var columns: [Column] = []
    /// For each part, the event time of each row as int64; 0 where there is none.
    package private(set) var events: [[UInt8]] = []
    /// For each part, the status of each row, as on the wire.
    package private(set) var statuses: [[UInt8]] = []
    package let rowCount: Int

    private let answers: [[UInt8]]
    private let rows: [Int]

    /// `answers` are of a picker for columns of these types.
    package init(_ answers: [[UInt8]], picker: AnswerPicks, types: [ValueType]) {
        self.answers = answers
        rows = answers.map { answer in
            answer.withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self).littleEndian) }
        }
        rowCount = rows.reduce(0, +)
        var places: [[AnswerPicks.Place]] = []
        var ends: [Int] = []
        places.reserveCapacity(answers.count)
        for (answer, rows) in zip(answers, rows) {
            answer.withUnsafeBytes { raw in
                guard let base = raw.baseAddress else { return }
                let isWide = raw.loadUnaligned(fromByteOffset: 6, as: UInt16.self) == 1
                var position = 8 + (types.count + 7) / 8
                places.append(picker.places(base, rows, alignment: isWide ? 64 : 8, &position))
                ends.append(position)
            }
        }
        for (index, type) in types.enumerated() {
            columns.append(column(picker.shapes[index], type, places.map { $0[index] }))
        }
        for part in 0..<picker.parts {
            let starts = zip(ends, rows).map { $0 + part * (8 * $1 + ($1 + 7) & ~7) }
            events.append(words(starts, width: 8))
            statuses.append(words(zip(starts, rows).map { $0 + 8 * $1 }, width: 1))
        }
    }

    private func column(
        _ shape: AnswerPicks.Shape,
        _ type: ValueType,
        _ places: [AnswerPicks.Place]
    ) -> Column {
        var offsets: [Int32] = []
        let values: [UInt8]
        switch shape {
        case .bits: values = bits(places.map(\.values))
        case .fixed(let width): values = words(places.map(\.values), width: width)
        case .text: values = text(places, &offsets)
        }
        let hasNulls = places.contains { $0.validity >= 0 }
        return Column(
            type: type,
            count: rowCount,
            validity: hasNulls ? bits(places.map(\.validity)) : [],
            offsets: offsets,
            itemOffsets: [],
            values: values
        )
    }

    /// Items of this width, of each answer from its place on.
    private func words(_ starts: [Int], width: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: rowCount * width) { buffer, filled in
            let target = UnsafeMutableRawBufferPointer(buffer)
            for (number, start) in starts.enumerated() {
                let size = rows[number] * width
                answers[number].withUnsafeBytes { raw in
                    UnsafeMutableRawBufferPointer(rebasing: target[filled..<filled + size])
                        .copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: raw[start..<start + size])
                        )
                }
                filled += size
            }
        }
    }

    /// One bit a row; all are set where an answer has none, at a place below zero.
    private func bits(_ starts: [Int]) -> [UInt8] {
        var bits = [UInt8](repeating: 0, count: (rowCount + 7) / 8)
        var first = 0
        for (number, start) in starts.enumerated() {
            for row in 0..<rows[number]
            where start < 0
                || answers[number][start + row >> 3] & (1 << UInt8(row & 7)) != 0
            {
                bits[(first + row) >> 3] |= 1 << UInt8((first + row) & 7)
            }
            first += rows[number]
        }
        return bits
    }

    private func text(_ places: [AnswerPicks.Place], _ offsets: inout [Int32]) -> [UInt8] {
        var values: [UInt8] = []
        offsets.reserveCapacity(rowCount + 1)
        offsets.append(0)
        for (number, place) in places.enumerated() {
            let first = Int32(values.count)
            answers[number].withUnsafeBytes { raw in
                for row in 1..<(rows[number] + 1) {
                    let end = raw.loadUnaligned(
                        fromByteOffset: place.offsets + 4 * row,
                        as: Int32.self
                    )
                    offsets.append(first + end)
                }
            }
            let size = Int(offsets[offsets.count - 1] - first)
            values.append(contentsOf: answers[number][place.values..<place.values + size])
        }
        return values
    }
}
