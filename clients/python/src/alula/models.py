"""A version of a model as a model server holds it: its files, and its features."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ._artifacts import get_directory, get_file
from ._frames import Op
from ._inputs import Keys
from ._reading import Key, Reading, Wanted
from ._serving import log_failures, log_values
from ._session import Session
from .answer import Answer
from .errors import InvalidArgument, NotFound
from .registry import Artifact, Held, HeldVersion, ModelVersion
from .served import Logged

Resolve = Callable[[Wanted], Held]


class Model:
    """The versions that hold a stage, or one version, pinned: reads and files stay those of these
    versions, whatever is promoted, until ``refresh`` is called.

    Mostly it is one. Where a stage has several holders, each entity meets one of them, always the
    same while their shares stand; ``read`` says which, and follows shares as they move. A version
    that comes is met after a refresh; one that goes, no more at once.
    """

    def __init__(
        self,
        session: Session,
        reading: Reading,
        resolve: Resolve,
        asked: Wanted,
        held: Held,
    ) -> None:
        self._session, self._reading, self._resolve = session, reading, resolve
        self._asked = asked
        #: Who answers, with shares, the greatest first.
        self.holders: list[HeldVersion] = held.holders
        #: Read and logged beside them, never an answer; None where there is none.
        self.shadow: ModelVersion | None = held.shadow

    @property
    def version(self) -> ModelVersion:
        """The version with the greatest share: its number, with what it is made of as
        attributes.
        """
        return self.holders[0].version

    @property
    def versions(self) -> list[ModelVersion]:
        """All that answer, the greatest share first."""
        return [holder.version for holder in self.holders]

    def of(self, version: int) -> Model:
        """One of the versions by itself, or the shadow: its files, and reads of exactly it."""
        known = self.versions + ([] if self.shadow is None else [self.shadow])
        for found in known:
            if int(found) == int(version):
                asked = Wanted(model=self.name, version=int(version))
                held = Held([HeldVersion(found, 1.0)])
                return Model(self._session, self._reading, self._resolve, asked, held)
        numbers = ", ".join(str(int(found)) for found in known)
        raise NotFound(f"version {int(version)} of {self.name} is not among {numbers}")

    @property
    def name(self) -> str:
        """The model's name."""
        return self.version.model

    @property
    def service(self) -> str:
        """The service version it was trained on: ``credit@2``."""
        return self.version.service

    @property
    def artifacts(self) -> list[Artifact]:
        """Its files."""
        return self.version.artifacts

    def refresh(self) -> bool:
        """Looks who holds the stage, or has the alias, now, and pins those versions; True where
        they, or the shadow, are others. A model asked for by its number stays what it is.

        Between a refresh and the loading of the new version's files go on answering with the old
        ones: read the features of another version only with its own model.
        """
        held = self._resolve(self._asked)
        moved = {*map(int, self.versions)} != {int(found.version) for found in held.holders}
        moved = moved or self.shadow != held.shadow
        self.holders, self.shadow = held.holders, held.shadow
        return moved

    def download(self, directory: str | os.PathLike[str]) -> dict[str, Path]:
        """Writes the files of ``version`` into a directory, made if need be; each is verified by
        its SHA-256. Those of another holder: ``model.of(3).download(...)``.

        Returns the path of each by name.
        """
        base = Path(directory)
        base.mkdir(parents=True, exist_ok=True)
        paths = {}
        for artifact in self.artifacts:
            if artifact.name in ("", ".", "..") or Path(artifact.name).name != artifact.name:
                raise InvalidArgument(f'"{artifact.name}" is not a file name: it is not written')
            path = base / artifact.name
            if artifact.directory:
                paths[artifact.name] = get_directory(self._session, artifact.digest, path)
            else:
                paths[artifact.name] = get_file(
                    self._session, artifact.digest, path, artifact.bytes
                )
        return paths

    def read(
        self,
        keys: Keys,
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        log: bool = False,
        shadow: bool = False,
    ) -> Answer:
        """The features of these entities as the version was trained on them, in its order; one
        call.

        ``request``: values only the caller knows, by request field. The answer's ``model_version``
        is the version's number. Where several hold the stage and the rows met more than one,
        ``answer.by_version()`` has an answer for each: only there is a matrix; ``by_version`` is
        right for one holder, too. With ``log`` the server keeps what it serves, and the answer has
        ``prediction_ids``. With ``shadow`` the answer's ``shadow`` is what the stage's shadow would
        have been answered, with ids of its own, or None. Raises InvalidArgument for what is
        missing, unknown or of a wrong type.
        """
        return self._reading.read(self.reads(log, shadow), keys, request, timeout)

    def log(self, ids: Any, predictions: Any) -> Logged:
        """Adds what the model said of the vectors of these ids: one prediction for each.

        See ``Store.log_predictions``.
        """
        return log_values(self._session, Op.LOG_PREDICTIONS, self.name, ids, predictions, None)

    def log_failures(self, ids: Any, reasons: Any = None) -> Logged:
        """Says that the model could not predict for the vectors of these ids, and why.

        See ``Store.log_failures``.
        """
        return log_failures(self._session, self.name, ids, reasons)

    def read_batches(
        self,
        keys: Keys,
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        log: bool = False,
        shadow: bool = False,
    ) -> Iterator[Answer]:
        """As ``read`` for any number of entities: answers for consecutive rows, as they come."""
        return self._reading.read_batches(self.reads(log, shadow), keys, request, timeout)

    def reads(self, log: bool = False, shadow: bool = False) -> Key:
        """What its reads ask for: exactly these versions."""
        if shadow and not self._asked.stage:
            raise InvalidArgument(f"{self} is one version: a shadow is of a stage")
        versions = self.versions
        with_shadow = shadow and self.shadow is not None
        if with_shadow and self.shadow is not None:
            versions.append(self.shadow)
        return self._reading.pin(versions, self._asked.stage, log, with_shadow)

    def __repr__(self) -> str:
        versions = " and ".join(str(int(version)) for version in self.versions)
        return f"Model({self.name} {versions}, {self.version.stage})"
