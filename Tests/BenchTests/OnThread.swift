import Foundation

/// A thread for what blocks.
@discardableResult
func onThread(_ body: @escaping @Sendable () -> Void) -> Thread {
    let thread = Thread(block: body)
    thread.start()
    return thread
}
