import Glibc
import Synchronization

/// Knows which rows that were read from RocksDB are too old to be filled in.
///
/// Keys share stripes by their hashes. A stripe has the time of the last beginning or end of a write
/// to one of its keys, and how many writes are on their way; times are counted. A row may be filled
/// in where no write of its stripe is on its way, and none has begun or ended since the ticket, which
/// was taken before the row was read.
///
/// All but the clock is guarded by the cache's gate. That tickets are taken without it does no harm:
/// who sees a time in the clock comes through the gate after its stripes were stamped.
@safe struct FillGuard {
    private let clock: UnsafeMutablePointer<Atomic<UInt64>>
    /// The time, above 20 bits of writes on their way.
    private let stripes: UnsafeMutablePointer<UInt64>
    private let mask: UInt64

    private static let flightBits: UInt64 = 20
    private static let flights: UInt64 = (1 << flightBits) - 1

    /// `stripeCount` is a power of two.
    init(clock: UnsafeMutablePointer<Atomic<UInt64>>, stripeCount: Int) {
        unsafe self.clock = unsafe clock
        // Fresh zero pages cost nothing until they are touched.
        guard let zeros = unsafe calloc(stripeCount, MemoryLayout<UInt64>.stride) else {
            preconditionFailure("no memory is left for the row cache")
        }
        unsafe stripes = zeros.bindMemory(to: UInt64.self, capacity: stripeCount)
        mask = UInt64(stripeCount - 1)
    }

    static func byteCount(stripes: Int) -> Int { stripes * MemoryLayout<UInt64>.stride }

    func destroy() { unsafe free(stripes) }

    /// The next time, for `begin` and `end`.
    func tick() -> UInt64 {
        unsafe clock.pointee.wrappingAdd(1, ordering: .releasing).newValue
    }

    func begin(_ hash: UInt64, at time: UInt64) {
        let stripe = unsafe stripe(hash)
        let flights = unsafe stripe.pointee & Self.flights
        precondition(flights < Self.flights, "too many rows are written at once")
        unsafe stripe.pointee = time << Self.flightBits | (flights + 1)
    }

    func end(_ hash: UInt64, at time: UInt64) {
        let stripe = unsafe stripe(hash)
        let flights = unsafe stripe.pointee & Self.flights
        precondition(flights > 0, "a write ends that has not begun")
        unsafe stripe.pointee = time << Self.flightBits | (flights - 1)
    }

    /// Whether a row that was read behind `ticket` is still the newest as far as the cache knows.
    func admits(_ hash: UInt64, readSince ticket: UInt64) -> Bool {
        let state = unsafe stripe(hash).pointee
        return state & Self.flights == 0 && state >> Self.flightBits <= ticket
    }

    private func stripe(_ hash: UInt64) -> UnsafeMutablePointer<UInt64> {
        unsafe stripes + Int(truncatingIfNeeded: hash >> 16 & mask)
    }
}
