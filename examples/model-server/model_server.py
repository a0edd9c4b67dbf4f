"""A model server: answers with the version in production, and follows it.

What a request sees is one object, so that it never mixes two versions: the weights of a version
and the features as that version was trained on them. The next version is loaded beside the present
one and takes its place when it is whole.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

import alula


class Served:
    """One version, ready to answer."""

    def __init__(self, model: alula.Model) -> None:
        self.model = model
        self.version = int(model.version)
        with tempfile.TemporaryDirectory() as directory:
            weights = json.loads(model.download(directory)["weights.json"].read_text())
        self.weights = np.array(weights, dtype=float)

    def predict(self, keys: Mapping[str, Any]) -> np.ndarray:
        return np.asarray(self.model.read(keys).to_numpy() @ self.weights)


class ModelServer:
    """Serves one stage of one model; ``close`` it when it is done."""

    def __init__(self, store: alula.Store, model: str, stage: str = "production") -> None:
        self._store, self._model, self._stage = store, model, stage
        # The watch stands before the first look: what is promoted in between is told.
        self._watch = store.watch(model)
        self._served = self._load()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def predict(self, keys: Mapping[str, Any]) -> tuple[int, np.ndarray]:
        """The version that answers, and its answers."""
        served = self._served
        return served.version, served.predict(keys)

    @property
    def version(self) -> int:
        """The version that answers now."""
        return self._served.version

    def _load(self) -> Served:
        return Served(self._store.model(self._model, stage=self._stage))

    def _follow(self) -> None:
        for event in self._watch:
            if event.stage == self._stage and event.kind in ("promoted", "rolled back"):
                self._served = self._load()

    def close(self) -> None:
        """Ends the watch and its thread; the version that answers goes on answering."""
        self._watch.close()
        self._thread.join()
