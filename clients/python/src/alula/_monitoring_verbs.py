"""The verbs of watching data: profiles, drift and performance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ._frames import Op
from ._proto import monitoring_pb2, monitors_pb2, profiles_pb2
from ._session import Session
from ._sets import TrainingSets
from ._spine import microseconds
from .errors import InvalidArgument
from .monitoring import (
    Drift,
    Monitor,
    Monitors,
    MonitorState,
    MonitorTrial,
    Performance,
    Profile,
    SpanProfile,
)
from .training import TrainingSetRecord


class MonitoringVerbs:
    """What a store says of how data is distributed, and of how predictions came true."""

    _session: Session
    _sets: TrainingSets

    def profile(self, training_set: TrainingSetRecord | str) -> Profile:
        """How the columns of a training set are distributed: all but its keys and its event time;
        made with the set. Raises NotFound where it went with rows that were forgotten.
        """
        return self._sets.profile(set_id(training_set))

    def profile_view(self, view: str, since: Any = None, until: Any = None) -> SpanProfile:
        """How the rows of a view are distributed that were recorded in a span of time.

        ``since``, ``until``: the hours that they lie in are the first and the last.
        """
        return self._profile_span(profiles_pb2.ProfileSpanRequest(view=view), since, until)

    def profile_model(
        self,
        model: str,
        version: int | Sequence[int] = (),
        since: Any = None,
        until: Any = None,
    ) -> SpanProfile:
        """How the vectors are distributed that a model was served, of all versions together or of
        those named.

        ``since``, ``until``: the hours that they lie in are the first and the last.
        """
        versions = [version] if isinstance(version, int) else version
        request = profiles_pb2.ProfileSpanRequest(model=model, versions=versions)
        return self._profile_span(request, since, until)

    def _profile_span(
        self, request: profiles_pb2.ProfileSpanRequest, since: Any, until: Any
    ) -> SpanProfile:
        if since is not None:
            request.since_us = microseconds("since", since)
        if until is not None:
            request.until_us = microseconds("until", until)
        answer, _ = self._session.call(Op.PROFILE_SPAN, request, profiles_pb2.ProfileSpan)
        return SpanProfile(answer)

    def drift(
        self,
        of: TrainingSetRecord | str,
        against: TrainingSetRecord | str | tuple[Any, Any] | None = None,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
        features: Sequence[str] = (),
        test: str = "",
        threshold: float | None = None,
        share: float | None = None,
    ) -> Drift:
        """How what a model was served, a training set, or what a view took in moved; by Evidently's
        usual tests and thresholds.

        ``of``: a model's name, a training set, or ``"view:NAME"``: its rows by when they were
        recorded, against those of another span. ``against``: a training set; or, for a model, a
        span (since, until) of what was served, None for that of the newest version served.
        ``since``, ``until``, ``versions``: what of the model's logged reads is looked at.
        ``features``: else the vector of the service; predictions and outcomes too between two
        spans; the label between two sets. ``test``: ks, chi-squared, z, wasserstein,
        jensen-shannon or psi for all. ``share``: of features that make drift of the whole, else a
        half.
        """
        if isinstance(features, str):
            raise InvalidArgument("features: expected a list of names, not one text")
        request = monitoring_pb2.DriftRequest(
            features=features, test=test, threshold=threshold, share=share, versions=versions
        )
        if isinstance(of, TrainingSetRecord) or of.startswith("ts-"):
            if since is not None or until is not None or versions:
                raise InvalidArgument("since, until and versions are of a model, not of a set")
            if against is None or isinstance(against, tuple):
                raise InvalidArgument("against: expected the training set to compare with")
            request.current = set_id(of)
        else:
            if of.startswith("view:"):
                if versions:
                    raise InvalidArgument("versions are of a model, not of a view")
                request.view = of.removeprefix("view:")
            else:
                request.model = of
            if since is not None:
                request.since_us = microseconds("since", since)
            if until is not None:
                request.until_us = microseconds("until", until)
        if isinstance(against, tuple):
            if len(against) != 2 or against == (None, None):
                raise InvalidArgument("against: expected a span (since, until), one of them set")
            if against[0] is not None:
                request.against_since_us = microseconds("against", against[0])
            if against[1] is not None:
                request.against_until_us = microseconds("against", against[1])
        elif against is not None:
            request.training_set = set_id(against)
        answer, _ = self._session.call(Op.DRIFT, request, monitoring_pb2.Drift)
        return Drift(answer)

    def performance(
        self,
        model: str,
        by: str = "",
        window: timedelta | None = None,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
    ) -> Performance:
        """How well what a model answered came true: of logged reads with a prediction and an
        outcome, each version apart.

        ``by``: each value of this feature, request field or key apart. ``window``: each such span
        of time served apart.
        """
        request = monitoring_pb2.PerformanceRequest(model=model, by=by, versions=versions)
        if window is not None:
            request.window_us = window // timedelta(microseconds=1)
            if request.window_us <= 0:
                raise InvalidArgument("window: expected a span of time above zero")
        if since is not None:
            request.since_us = microseconds("since", since)
        if until is not None:
            request.until_us = microseconds("until", until)
        answer, _ = self._session.call(Op.PERFORMANCE, request, monitoring_pb2.Performance)
        return Performance(answer)

    def monitors(self) -> Monitors:
        """The monitors in force and where they stand, by name; they are defined in YAML."""
        request = monitors_pb2.ListMonitorsRequest()
        answer, _ = self._session.call(Op.LIST_MONITORS, request, monitors_pb2.Monitors)
        return Monitors((message.name, Monitor.of(message)) for message in answer.monitors)

    def try_monitor(self, name: str, at: Any) -> MonitorTrial:
        """What a monitor would have said at a time, by what was known then; where it stands is not
        changed.
        """
        request = monitors_pb2.TryMonitorRequest(name=name, time_us=microseconds("at", at))
        answer, _ = self._session.call(Op.TRY_MONITOR, request, monitors_pb2.MonitorTrial)
        looks = [MonitorState.of(look) for look in answer.looks]
        return MonitorTrial(Monitor.of(answer.monitor), looks)


def set_id(training_set: TrainingSetRecord | str) -> str:
    """The id of a training set, whatever it is named by."""
    return training_set if isinstance(training_set, str) else training_set.id
