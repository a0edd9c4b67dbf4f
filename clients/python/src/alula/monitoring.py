"""How features are distributed, how they moved, and how well predictions came true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .records import moment


@dataclass(frozen=True)
class FeatureProfile:
    """The distribution of one feature; of a list its norm, or its length where its items are no
    numbers, stands in the place of a number.

    ``exact``: ``distinct``, ``quantiles`` and ``top`` count every value; else the rank of a
    quantile is off by 1.3 % of all rows at most, and ``distinct`` by a few per cent.
    """

    name: str
    type: str
    rows: int
    nulls: int
    #: Of the nulls: only older rows existed; no row existed, or a key was null.
    expired: int
    not_found: int
    #: Values recorded after the moment that they were joined to.
    late: int
    #: NaN and infinite values, which are in nothing below.
    not_finite: int
    distinct: float
    exact: bool
    minimum: float | None
    maximum: float | None
    mean: float | None
    #: Of the whole population.
    deviation: float | None
    quantiles: dict[float, float]
    #: Of the histogram's bins: one more than ``counts``.
    edges: list[float]
    counts: list[float]
    #: The most frequent first; empty for numbers of more than 64 different values.
    top: dict[str, int]
    dimension_means: list[float]

    @staticmethod
    def of(message: Any) -> FeatureProfile:
        def maybe(name: str) -> float | None:
            return getattr(message, name) if message.HasField(name) else None

        return FeatureProfile(
            message.name, message.type, message.rows, message.nulls, message.expired,
            message.not_found, message.late, message.not_finite, message.distinct, message.exact,
            maybe("minimum"), maybe("maximum"), maybe("mean"), maybe("deviation"),
            {quantile.share: quantile.value for quantile in message.quantiles},
            list(message.edges), list(message.counts),
            {value.text: value.count for value in message.top}, list(message.dimension_means),
        )  # fmt: skip

    @property
    def null_share(self) -> float:
        """Nulls of all rows, from 0 to 1."""
        return self.nulls / self.rows if self.rows else 0.0


class Profile(dict[str, FeatureProfile]):
    """The profiles of a table's columns, by name."""

    def __init__(self, message: Any) -> None:
        super().__init__((feature.name, FeatureProfile.of(feature)) for feature in message.features)
        self.rows: int = message.rows


@dataclass(frozen=True)
class ProfileHour:
    """An hour that has rows. ``version``: of the model, 0 of a view. ``is_coarse``: its rows are
    gone, or some were forgotten: no value of fewer than ten rows is left of it. ``is_stale``: its
    rows are gone, and some of them were retracted or forgotten since: it still counts them.
    """

    start: datetime
    span: timedelta
    version: int
    rows: int
    is_coarse: bool
    is_stale: bool


class SpanProfile(Profile):
    """The profile of a span of time, which was made hour by hour."""

    def __init__(self, message: Any) -> None:
        super().__init__(message.profile)
        #: Oldest first; the newest 10,000.
        self.hours = [
            ProfileHour(
                moment(hour.start_us), timedelta(microseconds=hour.span_us), hour.version,
                hour.rows, hour.is_coarse, hour.is_stale,
            )
            for hour in message.hours
        ]  # fmt: skip


@dataclass(frozen=True)
class FeatureDrift:
    """What became of one feature. ``score``: a p-value for the tests ks, chi-squared and z, else a
    distance; where it is None, ``cannot_tell`` says why.
    """

    name: str
    test: str
    score: float | None
    threshold: float | None
    is_drift: bool
    cannot_tell: str
    #: The share of nulls moved by a tenth of all rows, or more.
    nulls_moved: bool
    #: Both with one set of bins.
    reference: FeatureProfile | None
    current: FeatureProfile | None

    @staticmethod
    def of(message: Any) -> FeatureDrift:
        told = not message.cannot_tell
        return FeatureDrift(
            message.name, message.test, message.score if told else None,
            message.threshold if told else None, message.is_drift, message.cannot_tell,
            message.nulls_moved,
            FeatureProfile.of(message.reference) if message.HasField("reference") else None,
            FeatureProfile.of(message.current) if message.HasField("current") else None,
        )  # fmt: skip


class Drift(dict[str, FeatureDrift]):
    """How features moved, by name; true where there is drift of the whole."""

    def __init__(self, message: Any) -> None:
        super().__init__((feature.name, FeatureDrift.of(feature)) for feature in message.features)
        #: What was compared, for people.
        self.reference: str = message.reference
        self.current: str = message.current
        self.reference_rows: int = message.reference_rows
        self.current_rows: int = message.current_rows
        #: Features that could be compared, and those of them that moved.
        self.compared: int = message.compared
        self.drifted: int = message.drifted
        self.share: float = message.share
        self.share_threshold: float = message.share_threshold
        self.is_drift: bool = message.is_drift
        #: Rows of each version of the model that were looked at.
        self.versions: dict[int, int] = {item.version: item.rows for item in message.versions}
        #: Of them, those whose prediction failed.
        self.failed: dict[int, int] = {item.version: item.failed for item in message.versions}

    def __bool__(self) -> bool:
        return self.is_drift

    def __repr__(self) -> str:
        said = "drift" if self.is_drift else "no drift" if self.compared else "cannot tell"
        return f"Drift({said}: {self.drifted} of {self.compared} features moved)"


@dataclass(frozen=True)
class Figure:
    """A figure, and the bounds between which the true one lies 95 times in a hundred: Wilson's for
    shares, DeLong's for AUC, the normal ones of a mean, and the delta method for F1, RMSE and R2.
    """

    value: float
    low: float | None
    high: float | None

    @staticmethod
    def of(message: Any) -> Figure:
        return Figure(
            message.value,
            message.low if message.HasField("low") else None,
            message.high if message.HasField("high") else None,
        )

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class CalibrationBin:
    """Rows whose scores are in one tenth of 0 to 1."""

    rows: int
    mean_score: float
    share_of_ones: float


class PerformanceSlice(dict[str, Figure]):
    """The figures of one version, window and value, by name; empty where no outcome is known."""

    def __init__(self, message: Any) -> None:
        super().__init__((figure.name, Figure.of(figure)) for figure in message.figures)
        self.version: int = message.version
        #: Of its window; None where all is one.
        self.since: datetime | None = (
            moment(message.since_us) if message.HasField("since_us") else None
        )
        self.until: datetime | None = (
            moment(message.until_us) if message.HasField("until_us") else None
        )
        #: Of the feature asked for, as text; None for null.
        self.value: str | None = message.value if message.HasField("value") else None
        #: With a prediction; of these, how many have no outcome yet; without a prediction, of which
        #: none failed.
        self.rows: int = message.rows
        self.missing: int = message.missing
        self.unpredicted: int = message.unpredicted
        #: Vectors of which the model server said that it could not predict.
        self.failed: int = message.failed
        self.calibration = [
            CalibrationBin(one.rows, one.mean_score, one.share_of_ones)
            for one in message.calibration
        ]

    @property
    def missing_share(self) -> float:
        """Predictions without an outcome of all of them, from 0 to 1."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def failed_share(self) -> float:
        """Of all vectors of the slice."""
        return self.failed / max(1, self.rows + self.unpredicted + self.failed)

    @property
    def unpredicted_share(self) -> float:
        """Of all vectors of the slice."""
        return self.unpredicted / max(1, self.rows + self.unpredicted + self.failed)


class Performance(list[PerformanceSlice]):
    """How well predictions came true, in the order of version, window and value."""

    def __init__(self, message: Any) -> None:
        super().__init__(PerformanceSlice(one) for one in message.slices)
        #: binary, classes or regression.
        self.kind: str = message.kind
        #: By version, the metrics that it was registered with.
        self.training: dict[int, dict[str, float]] = {
            one.version: {figure.name: figure.value for figure in one.figures}
            for one in message.training
        }
        #: Versions that lack the feature of ``by``, which are in no slice, with their vectors.
        self.without: dict[int, int] = {one.version: one.rows for one in message.without}
        #: By version, what logged reads were refused by the server: as many as it would have kept.
        self.refused: dict[int, int] = {one.version: one.rows for one in message.refused}


@dataclass(frozen=True)
class MonitorState:
    """Where a monitor stands. ``state``: ok, pending, firing, resolved (fine again after it fired)
    or cannot tell; None for what is not known.
    """

    state: str
    since: datetime | None
    #: Of an alarm that has not ended, also while nothing can be told.
    firing_since: datetime | None
    evaluated: datetime | None
    #: Of freshness in seconds.
    value: float | None
    threshold: float | None
    #: That were looked at.
    rows: int
    reason: str

    @staticmethod
    def of(message: Any) -> MonitorState:
        def maybe(name: str) -> Any:
            return getattr(message, name) if message.HasField(name) else None

        def when(name: str) -> datetime | None:
            return moment(getattr(message, name)) if message.HasField(name) else None

        return MonitorState(
            message.state, when("since_us"), when("firing_since_us"), when("evaluated_us"),
            maybe("value"), maybe("threshold"), message.rows, message.reason,
        )  # fmt: skip


@dataclass(frozen=True)
class Monitor:
    """A monitor in force, and where it stands; true while it is an alarm."""

    name: str
    #: How often it was defined anew.
    version: int
    #: One of the two; the other is None.
    model: str | None
    view: str | None
    #: As ``what`` in the definitions file.
    what: str
    feature: str | None
    metric: str | None
    #: What it says, part by part, for people.
    lines: list[str]
    state: MonitorState

    @staticmethod
    def of(message: Any) -> Monitor:
        return Monitor(
            message.name, message.version, message.model or None, message.view or None,
            message.what, message.feature or None, message.metric or None, list(message.lines),
            MonitorState.of(message.state),
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.state.firing_since is not None


class Monitors(dict[str, Monitor]):
    """The monitors in force, by name."""

    @property
    def alarms(self) -> list[Monitor]:
        """Those that are an alarm now."""
        return [monitor for monitor in self.values() if monitor]


@dataclass(frozen=True)
class MonitorTrial:
    """What a monitor would have said at a time, and each look that led to it."""

    monitor: Monitor
    looks: list[MonitorState]
