package import Domain
import Histogram

/// What a load measured, of one thread or of all.
package struct LoadCounts: Sendable {
    /// Nanoseconds; closed loops: from the send, open loops: from when the request was due.
    private var latencies = Histogram<UInt32>(
        lowestDiscernibleValue: 1,
        highestTrackableValue: 600_000_000_000
    )
    package var answered: UInt64 = 0
    /// Refused for the moment, in the warm-up too.
    package var failed: UInt64 = 0
    package var firstFailure: AlulaError?
    /// Due within the time that counts, but not answered when the load gave up waiting.
    package var unanswered: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    /// Of the client.
    package var processorNanoseconds: UInt64 = 0
    /// Answers of any kind, those of the warm-up included.
    package var received: UInt64 = 0
    package var statuses = StatusCounts()

    mutating func record(_ nanoseconds: UInt64) {
        answered += 1
        latencies.record(nanoseconds)
    }

    mutating func fail(_ error: AlulaError) {
        failed += 1
        firstFailure = firstFailure ?? error
    }

    mutating func add(_ other: LoadCounts) {
        latencies.add(other.latencies)
        answered += other.answered
        failed += other.failed
        firstFailure = firstFailure ?? other.firstFailure
        unanswered += other.unanswered
        bytesReceived += other.bytesReceived
        processorNanoseconds += other.processorNanoseconds
        received += other.received
        statuses.add(other.statuses)
    }

    /// Microseconds that this share of the requests took at most, within a thousandth.
    package func latency(percentile: Double) -> Double {
        Double(latencies.valueAtPercentile(percentile)) / 1_000
    }

    /// Microseconds.
    package var meanLatency: Double { latencies.totalCount == 0 ? 0 : latencies.mean / 1_000 }

    package var greatestLatency: Double { Double(latencies.max) / 1_000 }
}

/// What a load measured, and in what time.
package struct LoadResult: Sendable {
    package var counts: LoadCounts
    package var seconds: Double
    package var requestBytes: Int
    package var rowsPerRequest: Int

    package var perSecond: Double { Double(counts.answered) / seconds }

    package var bytesPerAnswer: Int {
        counts.received == 0 ? 0 : Int(counts.bytesReceived / counts.received)
    }

    /// Microseconds of the client's processor time for each request.
    package var clientMicroseconds: Double {
        counts.received == 0
            ? 0 : Double(counts.processorNanoseconds) / Double(counts.received) / 1_000
    }
}
