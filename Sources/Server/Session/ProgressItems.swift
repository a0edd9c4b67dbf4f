import Domain
import NIOCore
import SwiftProtobuf
import Wire

/// Items that say how far a call has come: ten a second at most, and none once the client takes no
/// more.
///
/// Of one thread.
final class ProgressItems {
    private let call: Call
    private var last: ContinuousClock.Instant?
    private let clock = ContinuousClock()
    /// The client has gone, or takes nothing any more.
    private(set) var isUnheard = false

    private static let pause = Duration.milliseconds(100)

    init(_ call: Call) { self.call = call }

    /// Whether work that is of use to this client only may stop.
    var isCancelled: Bool { isUnheard || call.isEnded }

    /// Sends the item, unless the last one was a moment ago; `always` where it ends something.
    func send(_ message: @autoclosure () -> some Message, always: Bool = false) {
        guard !isUnheard else { return }
        if !always, let last, clock.now - last < Self.pause { return }
        last = clock.now
        do throws(AlulaError) {
            try call.send(control: try Messages.encode(message()), data: .init())
        } catch {
            isUnheard = true
        }
    }
}
