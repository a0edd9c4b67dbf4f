import Glibc
import Wire

/// One socket with at most one call in flight.
final class LoadConnection {
    /// What the bytes that were taken have ended.
    enum Ended {
        case item
        case response
        case failure
    }

    let descriptor: Int32
    /// The request on its way, whole.
    let request: UnsafeMutableRawPointer
    var requestBytes = 0
    var sentBytes = 0
    var call: UInt32 = 0
    /// From when the latency counts.
    var begun: UInt64 = 0
    var isBusy = false
    /// Whether the payloads of this call are kept, to be decoded.
    var isSample = false

    /// The header of the frame that arrives.
    private let header: UnsafeMutableRawPointer
    private var headerBytes = 0
    private var payloadLeft = 0
    private(set) var kind: UInt8 = 0
    private(set) var payloadBytes = 0
    private(set) var controlBytes = 0
    /// Of frames that are kept.
    private(set) var payload: [UInt8] = []

    init(descriptor: Int32, largestRequest: Int) {
        self.descriptor = descriptor
        request = .allocate(byteCount: largestRequest, alignment: 8)
        header = .allocate(byteCount: Frame.headerBytes, alignment: 8)
    }

    deinit {
        request.deallocate()
        header.deallocate()
        close(descriptor)
    }

    /// The control message of a frame that was kept.
    var control: ArraySlice<UInt8> { payload.prefix(controlBytes) }

    /// The data of a frame that was kept.
    var data: ArraySlice<UInt8> { payload.dropFirst((controlBytes + 7) & ~7) }

    /// Takes bytes up to the end of a frame, moving `at` behind them; nil where all are taken and
    /// no frame has ended.
    ///
    /// `isBroken` is set where this is no frame of the call.
    @inline(__always)
    func take(
        _ bytes: UnsafeRawPointer,
        _ at: inout Int,
        upTo end: Int,
        isBroken: inout Bool
    ) -> Ended? {
        if headerBytes < Frame.headerBytes {
            let count = min(Frame.headerBytes - headerBytes, end - at)
            (header + headerBytes).copyMemory(from: bytes + at, byteCount: count)
            headerBytes += count
            at += count
            guard headerBytes == Frame.headerBytes else { return nil }
            payloadBytes = Int(UInt32(littleEndian: header.load(as: UInt32.self)))
            kind = header.load(fromByteOffset: 4, as: UInt8.self)
            let number = UInt32(littleEndian: header.load(fromByteOffset: 8, as: UInt32.self))
            controlBytes = Int(
                UInt32(littleEndian: header.load(fromByteOffset: 12, as: UInt32.self))
            )
            payloadLeft = payloadBytes
            if number != call || controlBytes > payloadBytes || payloadBytes > 1 << 20 {
                // Call 0 tells why the server gives the connection up.
                isBroken = number != 0 || kind != FrameKind.error.rawValue
            }
            payload.removeAll(keepingCapacity: true)
        }
        let count = min(payloadLeft, end - at)
        if isSample || kind == FrameKind.error.rawValue {
            payload.append(
                contentsOf: UnsafeRawBufferPointer(start: bytes + at, count: count)
            )
        }
        payloadLeft -= count
        at += count
        guard payloadLeft == 0 else { return nil }
        headerBytes = 0
        switch kind {
        case FrameKind.response.rawValue: return .response
        case FrameKind.error.rawValue: return .failure
        case FrameKind.item.rawValue: return .item
        default: return nil
        }
    }
}
