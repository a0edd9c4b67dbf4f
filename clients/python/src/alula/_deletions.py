"""Deleting records for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._frames import Op
from ._proto import deletions_pb2
from ._session import Session


@dataclass(frozen=True)
class Deletion:
    """What a deletion came to; of a dry run, what it would come to."""

    title: str
    #: What refers to it: it is deleted where nothing does.
    holders: list[str]
    #: Artifacts that nothing names any more; ``alula gc`` removes them.
    artifacts: int
    artifact_bytes: int
    done: bool

    @staticmethod
    def of(message: Any) -> Deletion:
        return Deletion(
            message.title, list(message.holders), message.artifacts, message.artifact_bytes,
            message.done,
        )  # fmt: skip


class DeletionVerbs:
    """What a store does to be rid of records."""

    _session: Session

    def delete_run(self, run: str, dry_run: bool = False) -> Deletion:
        """Deletes a run with its params, metrics and tags. Raises Refused with everything that
        refers to it; with ``dry_run`` that is in the answer, and nothing is changed.
        """
        request = deletions_pb2.DeleteRunRequest(run=run, dry_run=dry_run)
        return self._delete(Op.DELETE_RUN, request)

    def delete_training_set(self, id: str, dry_run: bool = False) -> Deletion:
        """Likewise, the record of a training set and its spine."""
        request = deletions_pb2.DeleteTrainingSetRequest(training_set=id, dry_run=dry_run)
        return self._delete(Op.DELETE_TRAINING_SET, request)

    def delete_version(self, model: str, version: int, dry_run: bool = False) -> Deletion:
        """Likewise, a version that is in no stage and that nothing returns to or points at; its
        number is not given out again.
        """
        request = deletions_pb2.DeleteVersionRequest(
            model=model, version=int(version), dry_run=dry_run
        )
        return self._delete(Op.DELETE_VERSION, request)

    def _delete(self, operation: Op, request: Any) -> Deletion:
        answer, _ = self._session.call(operation, request, deletions_pb2.Deletion, write=True)
        return Deletion.of(answer)
