"""The verbs of the registry: runs, models, versions, artifacts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._artifacts import get_directory, get_file, put
from ._reading import Reading, Wanted, wanted
from ._registry import Registry
from ._session import Session
from ._spool import Delivery, deliver
from .models import Model
from .registry import (
    Artifact,
    ModelVersion,
    Promotion,
    RegisteredModel,
    RunRecord,
)
from .runs import HEARTBEAT, Run
from .training import TrainingSetRecord


class RegistryVerbs:
    """What a store does with models."""

    _session: Session
    _reading: Reading
    _registry: Registry

    def run(
        self,
        experiment: str,
        training_set: TrainingSetRecord | str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        name: str = "",
        code_revision: str | None = None,
        environment: Mapping[str, Any] | None = None,
        heartbeat: float = HEARTBEAT,
    ) -> Run:
        """Starts a run; as a context manager it ends finished, or failed on an exception.

        ``code_revision`` and ``environment`` are found out where they are not given. ``heartbeat``:
        seconds between two signs of life, after some of which are missing the run is lost; 0 sends
        none.
        """
        return self._registry.start_run(
            experiment, training_set, params, tags, name, code_revision, environment, heartbeat
        )

    def open_run(self, id: str) -> Run:
        """A run that was started before, to log more to it; sends no heartbeats."""
        return self._registry.open_run(id)

    def deliver(self) -> list[Delivery]:
        """Sends what runs could not deliver while the server was away, each in its order and
        nothing twice.
        """
        return deliver(self._session)

    def get_run(self, id: str) -> RunRecord:
        """A run with every point of every metric."""
        return self._registry.get_run(id)

    def runs(self, experiment: str = "", limit: int = 100) -> list[RunRecord]:
        """Runs, newest first; of one experiment or of all."""
        return self._registry.runs(experiment, limit)

    def models(self) -> list[RegisteredModel]:
        """Models and who holds their stages."""
        return self._registry.models()

    def versions(self, model: str) -> list[ModelVersion]:
        """The versions of a model, newest first."""
        return self._registry.versions(model)

    def model(
        self,
        name: str,
        stage: str | None = None,
        version: int | None = None,
        alias: str | None = None,
    ) -> Model:
        """What to serve from: a version by number or alias, or those that hold a stage now, which
        is production where nothing is said.

        It is pinned: it stays the same version when another is promoted, until its ``refresh()`` is
        called. ``read(model=...)`` follows the stage call by call instead. Raises NotFound where
        nothing holds the stage.
        """
        asked = wanted(None, name, stage, alias, version)
        assert isinstance(asked, Wanted)
        held = self._registry.held(asked)
        return Model(self._session, self._reading, self._registry.held, asked, held)

    def promote(
        self,
        model: str,
        version: int,
        stage: str,
        reason: str = "",
        dry_run: bool = False,
        expected_revision: int = 0,
        share: str | float | None = None,
        shadow: bool | None = None,
    ) -> Promotion:
        """Moves a version to a stage through its gate. Raises Refused with every reason; with
        ``dry_run`` nothing changes and the verdict is returned either way.

        ``share``: "10%" or 0.1 of the stage, beside its holders, who keep the rest in proportion;
        else all. ``shadow=True``: to be read and logged beside them, and never answer; False ends
        that.
        """
        return self._registry.promote(
            model, version, stage, reason, dry_run, expected_revision, share, shadow
        )

    def rollback(self, model: str, stage: str, reason: str = "") -> Promotion:
        """Puts those who held a stage back, with their shares, as before the version that came
        last.
        """
        return self._registry.rollback(model, stage, reason)

    # Artifacts

    def put_artifact(self, path: str | os.PathLike[str]) -> Artifact:
        """Uploads a file, or a directory with all its files, as far as the server has it not.

        Returns its name, digest and size. Large files are sent in parts, several at once; what an
        interrupted upload has sent is not sent again.
        """
        return put(self._session, path)

    def get_artifact(self, digest: str, path: str | os.PathLike[str]) -> Path:
        """Downloads an artifact to a path, verified by its SHA-256; what an interrupted download of
        a large file has got is not got again.
        """
        return get_file(self._session, digest, path)

    def get_artifact_directory(self, digest: str, path: str | os.PathLike[str]) -> Path:
        """Downloads a directory, which must not be there yet, by the digest of its manifest; every
        file is verified by its SHA-256.
        """
        return get_directory(self._session, digest, path)
