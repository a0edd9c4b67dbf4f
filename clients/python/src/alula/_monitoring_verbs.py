"""The verbs of watching data: profiles and drift."""

from __future__ import annotations

from collections.abc import Sequence

from ._frames import Op
from ._proto import monitoring_pb2
from ._session import Session
from ._sets import TrainingSets
from .errors import InvalidArgument
from .monitoring import Drift, Profile
from .training import TrainingSetRecord


class MonitoringVerbs:
    """What a store says of how data is distributed."""

    _session: Session
    _sets: TrainingSets

    def profile(self, training_set: TrainingSetRecord | str) -> Profile:
        """How the columns of a training set are distributed: all but its keys and its event time;
        made with the set. Raises NotFound where it went with rows that were forgotten.
        """
        return self._sets.profile(set_id(training_set))

    def drift(
        self,
        reference: TrainingSetRecord | str,
        current: TrainingSetRecord | str,
        features: Sequence[str] = (),
        test: str = "",
        threshold: float | None = None,
        share: float | None = None,
    ) -> Drift:
        """How one training set moved against another, with Evidently's usual tests and thresholds.

        ``features``: else the vector of the reference's service, and its label. ``test``: ks,
        chi-squared, z, wasserstein, jensen-shannon or psi for all of them. ``share``: of features
        that make drift of the whole, else a half.
        """
        if isinstance(features, str):
            raise InvalidArgument("features: expected a list of names, not one text")
        request = monitoring_pb2.DriftRequest(
            training_set=set_id(reference),
            current=set_id(current),
            features=features,
            test=test,
            threshold=threshold,
            share=share,
        )
        answer, _ = self._session.call(Op.DRIFT, request, monitoring_pb2.Drift)
        return Drift(answer)


def set_id(training_set: TrainingSetRecord | str) -> str:
    """The id of a training set, whatever it is named by."""
    return training_set if isinstance(training_set, str) else training_set.id
