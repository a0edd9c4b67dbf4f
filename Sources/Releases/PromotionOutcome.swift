package import Domain

/// What became of a promotion or a rollback.
package struct PromotionOutcome: Sendable, Hashable {
    package var passed: Bool
    /// Every rule with its figures, also of those that passed.
    package var verdict: GateVerdict
    /// Of the model, after it.
    package var revision: UInt64
    package var stage: Stage
    package var version: UInt32
    /// To whom a rollback of the stage returns.
    package var previous: UInt32?
    /// The stage the version was in.
    package var from: Stage
    /// Who holds the stage after it.
    package var split: StageSplit
    /// Of the stage, after it.
    package var shadow: UInt32?
}
