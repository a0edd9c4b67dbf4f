import FoundationEssentials
import Glibc

/// Commands that a follower which was killed has left running.
package enum Remains {
    /// Of whom a command is, in its environment and that of all it starts.
    package static let followerVariable = "ALULA_EVENT_FOLLOWER"
    package static let eventVariable = "ALULA_EVENT_ID"

    /// Ends the processes of a follower's commands for events behind a revision, which are to be run
    /// again; what a command that succeeded left behind lives on.
    ///
    /// - Returns: how many there were.
    package static func end(of follower: String, after revision: UInt64) -> Int {
        var ended: Set<pid_t> = []
        // One that is just starting another is seen the next time.
        for _ in 0..<10 {
            let found = processes().filter { process in
                guard process != getpid(), let variables = environment(of: process) else {
                    return false
                }
                return variables[followerVariable] == follower
                    && variables[eventVariable].flatMap(UInt64.init).map { $0 > revision } ?? false
            }
            if found.isEmpty { break }
            for process in found { kill(process, SIGKILL) }
            ended.formUnion(found)
        }
        return ended.count
    }

    private static func processes() -> [pid_t] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { pid_t($0) }
            ?? []  // without /proc nothing can be told
    }

    /// Nil of one that has ended, or is somebody else's.
    private static func environment(of process: pid_t) -> [String: String]? {
        guard let bytes = try? Data(contentsOf: URL(filePath: "/proc/\(process)/environ")) else {
            return nil
        }
        var variables: [String: String] = [:]
        for entry in bytes.split(separator: 0) {
            let pair = String(decoding: entry, as: UTF8.self).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
        }
        return variables
    }
}
