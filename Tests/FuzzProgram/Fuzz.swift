import FuzzTargets
import Glibc

/// Which of the targets is run: ALULA_FUZZ_TARGET names it.
private let target: FuzzTarget = {
    let name = unsafe getenv("ALULA_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let known = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("ALULA_FUZZ_TARGET names no target: expected one of \(known)")
    }
    return target
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe target.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
