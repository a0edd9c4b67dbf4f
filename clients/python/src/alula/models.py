"""A version of a model as a model server holds it: its files, and its features."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ._artifacts import get_directory, get_file
from ._frames import Op
from ._reading import Key, Reading, Wanted
from ._serving import log_values
from ._session import Session
from .answer import Answer
from .errors import InvalidArgument
from .registry import Artifact, ModelVersion
from .served import Logged

Resolve = Callable[[Wanted], ModelVersion]


class Model:
    """One version, pinned: reads and files stay those of this version, whatever is promoted, until
    ``refresh`` is called.
    """

    def __init__(
        self,
        session: Session,
        reading: Reading,
        resolve: Resolve,
        asked: Wanted,
        version: ModelVersion,
    ) -> None:
        self._session, self._reading, self._resolve = session, reading, resolve
        self._asked = asked
        #: The version: its number, with what it is made of as attributes.
        self.version = version

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
        """Looks who holds the stage, or has the alias, now, and pins that version; True where it is
        another one. A model asked for by its number stays what it is.

        Between a refresh and the loading of the new version's files go on answering with the old
        ones: read the features of another version only with its own model.
        """
        found = self._resolve(self._asked)
        moved = int(found) != int(self.version)
        self.version = found
        return moved

    def download(self, directory: str | os.PathLike[str]) -> dict[str, Path]:
        """Writes its files into a directory, made if need be; each is verified by its SHA-256.

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
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        log: bool = False,
    ) -> Answer:
        """The features of these entities as the version was trained on them, in its order; one
        call.

        ``request``: values only the caller knows, by request field. The answer's ``model_version``
        is this version's number. With ``log`` the server keeps what it serves, and the answer has
        ``prediction_ids``. Raises InvalidArgument for what is missing, unknown or of a wrong type.
        """
        return self._reading.read(self.reads(log), keys, request, timeout)

    def log(self, ids: Any, predictions: Any) -> Logged:
        """Adds what the model said of the vectors of these ids: one prediction for each.

        See ``Store.log_predictions``.
        """
        return log_values(self._session, Op.LOG_PREDICTIONS, self.name, ids, predictions, None)

    def read_batches(
        self,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        log: bool = False,
    ) -> Iterator[Answer]:
        """As ``read`` for any number of entities: answers for consecutive rows, as they come."""
        return self._reading.read_batches(self.reads(log), keys, request, timeout)

    def reads(self, log: bool = False) -> Key:
        """What its reads ask for: exactly this version."""
        return self._reading.pin(self.version, log)

    def __repr__(self) -> str:
        return f"Model({self.name} {int(self.version)}, {self.version.stage})"
