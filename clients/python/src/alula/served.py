"""The prediction log: what was served, what the model said, what came true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

LOGGED_STATUSES = np.array(
    ["accepted", "duplicate", "notLogged", "unknown", "inFuture", "beforePrediction", "invalid"]
)


@dataclass(frozen=True)
class Logged:
    """What became of predictions, failed ones or outcomes.

    ``accepted`` is durable; ``duplicate``: it is in the log already, as the newest outcome
    where no time is given; ``notLogged``: the id says that its vector was not kept; ``unknown``:
    there is no such vector, it was forgotten, or was older than is kept; ``inFuture`` and
    ``beforePrediction``: the outcome's time; ``invalid``: the id is none, or the value is null,
    NaN or infinite.
    """

    #: For each of them, in their order.
    statuses: npt.NDArray[np.str_]

    @property
    def accepted(self) -> int:
        """How many are durable and new."""
        return int((self.statuses == "accepted").sum())

    def counts(self) -> dict[str, int]:
        """How many have each status, of those that any has."""
        names, counts = np.unique(self.statuses, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist()))

    def __len__(self) -> int:
        return len(self.statuses)


@dataclass(frozen=True)
class PredictionLog:
    """What is logged of a model: ``rate`` is the share of keys, ``keep_days`` None is for ever."""

    model: str
    rate: float
    keep_days: float | None
    vectors: int
    predictions: int
    outcomes: int
    bytes: int
    versions: list[int]
    prediction_type: str
    outcome_type: str
    #: Predictions that could not be made.
    failures: int

    @staticmethod
    def of(message: Any) -> PredictionLog:
        keep = message.keep_us / 86_400e6 if message.keep_us else None
        return PredictionLog(
            message.model, message.rate, keep, message.vectors, message.predictions,
            message.outcomes, message.bytes, list(message.versions), message.prediction_type,
            message.outcome_type, message.failures,
        )  # fmt: skip


@dataclass(frozen=True)
class SkewExample:
    """One value: as it was served, as history had it then, as history has it now; None is none."""

    prediction_id: str
    kind: str
    key: str
    served: str | None
    then: str | None
    now: str | None


@dataclass(frozen=True)
class FeatureSkew:
    """One feature: how many values a training set would see as they were served, and others.

    ``late``: served as it was known then, and another value has come since. ``withdrawn``:
    likewise, and it has gone since. ``differs``, ``missing``, ``extra``: not what history had even
    then: another value, none where history had one, one where history had none.
    """

    column: str
    view: str
    same: int
    late: int
    withdrawn: int
    differs: int
    missing: int
    extra: int
    examples: list[SkewExample] = field(default_factory=list)

    @property
    def skewed(self) -> int:
        """All but ``same``."""
        return self.late + self.withdrawn + self.differs + self.missing + self.extra


@dataclass(frozen=True)
class ServiceSkew:
    """The vectors of one service version against history."""

    service: str
    versions: list[int]
    rows: int
    features: dict[str, FeatureSkew]
    #: Rows that differ and whose cause was not looked for.
    not_replayed: int


@dataclass(frozen=True)
class Skew:
    """What was served against what history says of the same moments."""

    services: list[ServiceSkew]
    #: Older vectors that were not compared.
    rows_left_out: int

    @property
    def rows(self) -> int:
        """Vectors that were compared."""
        return sum(service.rows for service in self.services)

    @property
    def skewed(self) -> int:
        """Values that a training set would see otherwise than they were served."""
        return sum(f.skewed for s in self.services for f in s.features.values()) + sum(
            service.not_replayed for service in self.services
        )

    @staticmethod
    def of(message: Any) -> Skew:
        services = [
            ServiceSkew(
                service.service,
                list(service.versions),
                service.rows,
                {f.column: _feature(f) for f in service.features},
                service.not_replayed,
            )
            for service in message.services
        ]
        return Skew(services, message.rows_left_out)


def _feature(f: Any) -> FeatureSkew:
    examples = [
        SkewExample(
            bytes(e.prediction_id).hex(), e.kind, e.key, e.served or None, e.then or None,
            e.now or None,
        )
        for e in f.examples
    ]  # fmt: skip
    return FeatureSkew(
        f.column, f.view, f.same, f.late, f.withdrawn, f.differs, f.missing, f.extra, examples
    )
