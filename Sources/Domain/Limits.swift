/// Every limit of the system, in one place.
///
/// Each is checked before memory is taken, and named in the error.
public enum Limits {
    /// Bytes of one frame behind its header.
    public static let frameBytes = 1 << 20
    /// Bytes of one frame behind its header, from a caller who has shown no token where one is
    /// wanted.
    public static let strangerFrameBytes = 4 << 10
    /// Bytes of the control message in a frame.
    public static let controlBytes = 256 << 10
    /// Messages within messages.
    public static let nesting = 16
    /// Characters of a name.
    public static let nameLength = 128
    /// Items of one list value.
    public static let listLength = 65_536
    /// Bytes of one string or bytes value.
    public static let valueBytes = 256 << 10
    /// Bytes of one entity key in its canonical form.
    public static let keyBytes = 4_096
    /// Join keys of an entity.
    public static let keyParts = 16
    /// Features of a view, and columns of a service.
    public static let columns = 4_096
    /// Rows of one record batch.
    public static let batchRows = 65_536
    /// Bytes of one row with all its values.
    public static let rowBytes = 512 << 10
    /// Calls in flight on one connection.
    public static let callsPerConnection = 256
    /// Streams of one connection that are worked on at once; more wait their turn.
    public static let streamsPerConnection = 16
    /// Keys of one read; of int64, a frame holds two fewer.
    public static let readKeys = 131_072
    /// Bytes of one column of no fixed width that a training set holds in memory.
    public static let gatherBytes = 256 << 20
    /// Bytes that either side may send on one call before the other grants more.
    public static let callWindow = 4 << 20
    /// Bytes of a definitions file.
    public static let definitionsBytes = 192 << 10
    /// Bytes of a param, a tag, a description or a reason.
    public static let textBytes = 16 << 10
    /// Params of a run, tags of a run or a version, metrics of a run.
    public static let runEntries = 10_000
    /// Bytes of all params, tags, names and facts of a run together: a run is one answer.
    public static let runBytes = 512 << 10
    /// Things that a run read or made, of each.
    public static let runItems = 1_000
    /// Files of one directory.
    public static let directoryFiles = 10_000
    /// Bytes of the manifest of a directory.
    public static let manifestBytes = 4 << 20
    /// Bytes of a path in a directory.
    public static let pathBytes = 1_024
    /// Bytes of an artifact beyond which it is kept in chunks, and of one part of its upload.
    public static let artifactPartBytes = 64 << 20
    /// Bytes of an artifact.
    public static let artifactBytes: UInt64 = 1 << 42
    /// Uploads in parts that have begun and not ended.
    public static let uploads = 1_000
    /// The least age of what is collected as garbage.
    public static let garbageAge = TimeSpan.seconds(3_600)
    /// Between two heartbeats of a run, at most.
    public static let longestHeartbeat = TimeSpan.seconds(86_400)
    /// Artifacts of one model version.
    public static let versionArtifacts = 1_000
    /// Connections of the HTTP port; more wait until one of them ends.
    public static let httpConnections = 256
    /// Tokens of a data directory, revoked ones among them.
    public static let tokens = 10_000
    /// Projects, views or models that the scope of a token names.
    public static let scopeNames = 1_000
    /// Bytes of log entries, acknowledged and not yet in history, beyond which pushes wait.
    public static let unappliedBytes = 256 << 20
    /// Likewise, log entries.
    public static let unappliedEntries: UInt64 = 262_144
    /// Bytes of pushes that wait for a thread; more are refused.
    public static let queuedPushBytes = 64 << 20
    /// How long a write waits for its turn before it is refused.
    public static let writePatience = TimeSpan.seconds(10)
    /// How far ahead of now an event time may lie.
    public static let maxSkew = TimeSpan.seconds(60)
    /// Bytes of one page of a list, before the last item that fits.
    public static let pageBytes = 512 << 10
    /// Bytes of a search expression.
    public static let searchBytes = 4_096
    /// Parentheses within parentheses, and `not` before `not`, in a search expression.
    public static let searchNesting = 16
    /// Conditions of a search expression, and values of one `in`.
    public static let searchConditions = 100
    /// Versions that one look forward in lineage names.
    public static let tracedVersions = 1_000
    /// How long an answer is kept for a repeated request id.
    public static let requestIdLife = TimeSpan.seconds(86_400)
}
