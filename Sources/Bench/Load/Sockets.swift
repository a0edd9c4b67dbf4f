import Client
import Domain
import Glibc
import NIOCore
import Wire

/// Bare sockets.
///
/// A load is made with as few instructions as it takes, since it runs on the cores of the server
/// that it measures.
enum Sockets {
    /// Connects and exchanges prefaces.
    static func connect(to address: ServerAddress) throws(AlulaError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &found) == 0 else {
            throw AlulaError(.unavailable, "there is no host \(address.host)")
        }
        defer { freeaddrinfo(found) }
        var next = found
        while let candidate = next?.pointee {
            next = candidate.ai_next
            let descriptor = socket(candidate.ai_family, candidate.ai_socktype, 0)
            guard descriptor >= 0 else { continue }
            if Glibc.connect(descriptor, candidate.ai_addr, candidate.ai_addrlen) == 0 {
                setNoDelay(descriptor)
                let greeted = Result { () throws(AlulaError) in try greet(descriptor) }
                if case .failure(let error) = greeted {
                    Glibc.close(descriptor)
                    throw error
                }
                return descriptor
            }
            Glibc.close(descriptor)
        }
        throw AlulaError(
            .unavailable,
            "no server answers at \(address)",
            help:
                "start one with: alula serve --data DIR, or name another: --server alula://HOST:PORT"
        )
    }

    /// Listens at a free port of this machine.
    static func listen() throws(AlulaError) -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 1_024) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw failed("listen on loopback") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func setNoDelay(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &on,
            socklen_t(MemoryLayout<Int32>.size)
        )
    }

    /// Lets a blocking receive return after this many milliseconds without a byte.
    static func setReceiveTimeout(_ descriptor: Int32, milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &time,
            socklen_t(MemoryLayout<timeval>.size)
        )
    }

    static func failed(_ act: String) -> AlulaError {
        AlulaError(.unavailable, "\(act) failed: \(String(cString: strerror(errno)))")
    }

    private static func greet(_ descriptor: Int32) throws(AlulaError) {
        let preface = Array(Preface.client().readableBytesView)
        guard
            send(descriptor, preface, preface.count, Int32(MSG_NOSIGNAL)) == preface.count
        else { throw failed("send the preface") }
        setReceiveTimeout(descriptor, milliseconds: 5_000)
        var answer = [UInt8](repeating: 0, count: Preface.bytes)
        guard
            recv(descriptor, &answer, answer.count, Int32(MSG_WAITALL)) == answer.count
        else { throw failed("receive the server's preface") }
        var buffer = ByteBuffer(bytes: answer)
        _ = try Preface.takeServer(from: &buffer)
    }
}
