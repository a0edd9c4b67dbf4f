"""The verbs of releases: aliases, approvals, gates, what was where when, audit, watch."""

from __future__ import annotations

from datetime import datetime

from ._releases import Releases
from .registry import AuditEntry
from .releases import Alias, Approval, AuditCheck, Gate, Reproduction, Tenure
from .rollouts import Rollout, RolloutPlan
from .watching import Watch


class ReleaseVerbs:
    """What a store does for those who answer for releases."""

    _releases: Releases

    def set_alias(
        self,
        model: str,
        alias: str,
        version: int,
        protect: bool | None = None,
        expected_revision: int = 0,
    ) -> Alias:
        """Lets a name point at a version. ``protect``: whether only a verified promoter may move it
        from now on; None leaves that as it is. Raises PermissionDenied where it is protected.
        """
        return self._releases.set_alias(model, alias, version, protect, expected_revision)

    def delete_alias(self, model: str, alias: str) -> Alias:
        """Deletes an alias, and returns it as it was; the version stays."""
        return self._releases.delete_alias(model, alias)

    def aliases(self, model: str) -> list[Alias]:
        """The aliases of a model, by name."""
        return self._releases.aliases(model)

    def approve(self, model: str, version: int, stage: str, reason: str = "") -> Approval:
        """Approves of a version entering a stage. Raises PermissionDenied without a token of the
        role approver, and to who made the version.
        """
        return self._releases.approve(model, version, stage, reason)

    def approvals(self, model: str, version: int) -> list[Approval]:
        """Who approves of a version, for which stage."""
        return self._releases.approvals(model, version)

    def gates(self, model: str = "", history: bool = False) -> list[Gate]:
        """The gates in force, of one model or all; with ``history`` every version of a model's."""
        return self._releases.gates(model, history)

    def stages_at(self, model: str, at: datetime, stage: str = "") -> list[Tenure]:
        """Who held the stages of a model, or one stage of it, at a moment."""
        return self._releases.stages_at(model, at, stage)

    def reproduce(self, model: str, version: int) -> Reproduction:
        """Makes the training set of a version again and compares; true where it is the same. Gates
        read what came of it.
        """
        return self._releases.reproduce(model, version)

    def audit(
        self,
        object: str = "",
        after: int = 0,
        limit: int = 1_000,
        actor: str = "",
        act: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditEntry]:
        """What was done, by whom, oldest first; ``object`` such as "model:credit" filters, as the
        others do. ``after``: the number of an entry.
        """
        return self._releases.audit(object, actor, act, since, until, after, limit)

    def verify_audit(self, head: str = "") -> AuditCheck:
        """Looks at every entry of the audit log; true where all are as they were written. ``head``:
        an earlier check's, kept elsewhere, which must still be in the log.
        """
        return self._releases.verify_audit(head)

    def start_rollout(
        self, model: str, version: int, plan: str | None = None, reason: str = ""
    ) -> Rollout:
        """Begins to roll a version out by a plan of the definitions, which may be left out where
        one fits. The first step is a promotion through the gate of the stage: raises Refused with
        every reason; the server takes the others, forward or back.
        """
        return self._releases.start_rollout(model, version, plan, reason)

    def rollouts(self, model: str | None = None, limit: int = 100) -> list[Rollout]:
        """Rollouts of a model, or of all, the newest first."""
        return self._releases.rollouts(model, limit)

    def rollout_plans(self, model: str | None = None) -> list[RolloutPlan]:
        """The plans in force that fit a model, or all."""
        return self._releases.rollout_plans(model)

    def cancel_rollout(self, model: str, reason: str = "", back: bool = False) -> Rollout:
        """Ends the rollout that runs: shares stay as they are, or, with ``back``, return to what
        they were before it. Raises Refused where none runs.
        """
        return self._releases.cancel_rollout(model, reason, back)

    def watch(self, model: str = "", after: int | None = None) -> Watch:
        """Events of a model, or of all, as they happen: ``for event in store.watch("credit")``.

        ``after``: begin behind this revision, else with what comes from now on; the watch stands
        when this returns. After a lost connection or a restart it goes on where it was, without a
        gap or a repeat. Raises OutOfRange for a revision that is not there yet. A promotion moves
        no ``Model``: that is what its ``refresh()`` is for.
        """
        return self._releases.watch(model, after)
