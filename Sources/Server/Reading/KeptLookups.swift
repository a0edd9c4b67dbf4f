import Catalog
import NIOCore
import Registry
import Synchronization
import Wire

/// Answers to look-ups of versions, by stage, alias or number, as long as neither models nor
/// definitions have changed: event loops give them at once, by the bytes of the request.
///
/// An answer does not depend on who asks; that he may has been found out before.
final class KeptLookups: Sendable {
    /// What an answer is about: the registry's models and the definitions, as they were before it
    /// was looked up.
    struct Moment: Hashable, Sendable {
        fileprivate var models: UInt64
        fileprivate var definitions: UInt64
    }

    private struct Question: Hashable {
        var operation: Operation
        var request: ByteBuffer
    }

    private struct State {
        var answers: [Question: ByteBuffer] = [:]
        var bytes = 0
        /// Of all answers.
        var moment: Moment
    }

    private let registry: RegistryStore
    private let catalog: CatalogStore
    private let state: Mutex<State>

    private static let mostAnswers = 4_096
    private static let mostBytes = 16 << 20
    /// A longer request or answer is looked up each time.
    private static let longest = 64 << 10

    init(_ registry: RegistryStore, _ catalog: CatalogStore) {
        self.registry = registry
        self.catalog = catalog
        state = Mutex(State(moment: Moment(models: 0, definitions: 0)))
    }

    /// To be read before what is kept is looked up.
    var moment: Moment {
        Moment(models: registry.modelsRevision, definitions: catalog.revision)
    }

    /// The control message that answers the request; nil where it is to be looked up.
    func answer(to request: Frame, _ operation: Operation) -> ByteBuffer? {
        guard Self.isKept(operation), !request.hasMore, request.data.readableBytes == 0,
            request.control.readableBytes <= Self.longest
        else { return nil }
        let now = moment
        return state.withLock { state in
            guard state.moment == now else { return nil }
            return state.answers[Question(operation: operation, request: request.control)]
        }
    }

    func keep(_ answer: Answer, to call: Call, _ moment: Moment) {
        let bytes = call.control.readableBytes + answer.control.readableBytes
        guard Self.isKept(call.operation), bytes <= Self.longest, moment == self.moment else {
            return
        }
        // Copies: the request is a part of what its connection has received.
        let question = Question(
            operation: call.operation,
            request: ByteBuffer(bytes: call.control.readableBytesView)
        )
        let control = ByteBuffer(bytes: answer.control.readableBytesView)
        state.withLock { state in
            if state.moment != moment || state.answers.count >= Self.mostAnswers
                || state.bytes + bytes > Self.mostBytes
            {
                state = State(moment: moment)
            }
            guard state.answers.updateValue(control, forKey: question) == nil else { return }
            state.bytes += bytes
        }
    }

    private static func isKept(_ operation: Operation) -> Bool {
        operation == .resolveVersion || operation == .stageHolders
    }
}

extension Dispatcher {
    /// Keeps the answer for whoever asks the same.
    func kept(_ call: Call, _ body: (Call) throws -> Answer) throws -> Answer {
        let moment = services.lookups.moment
        let answer = try body(call)
        services.lookups.keep(answer, to: call, moment)
        return answer
    }
}
