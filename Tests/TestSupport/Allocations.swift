import CAllocations

/// How often the body takes memory from the heap, on this thread.
package func allocations(of body: () throws -> Void) rethrows -> Int {
    let before = allocations_of_this_thread()
    try body()
    return Int(allocations_of_this_thread() - before)
}
