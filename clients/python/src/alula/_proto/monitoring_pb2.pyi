from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProfileRequest(_message.Message):
    __slots__ = ("head", "training_set")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    training_set: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., training_set: _Optional[str] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("rows", "features")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    rows: int
    features: _containers.RepeatedCompositeFieldContainer[FeatureProfile]
    def __init__(self, rows: _Optional[int] = ..., features: _Optional[_Iterable[_Union[FeatureProfile, _Mapping]]] = ...) -> None: ...

class FeatureProfile(_message.Message):
    __slots__ = ("name", "type", "rows", "nulls", "expired", "not_found", "late", "not_finite", "distinct", "exact", "minimum", "maximum", "mean", "deviation", "quantiles", "edges", "counts", "top", "dimension_means")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    NOT_FINITE_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_MEANS_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    rows: int
    nulls: int
    expired: int
    not_found: int
    late: int
    not_finite: int
    distinct: float
    exact: bool
    minimum: float
    maximum: float
    mean: float
    deviation: float
    quantiles: _containers.RepeatedCompositeFieldContainer[Quantile]
    edges: _containers.RepeatedScalarFieldContainer[float]
    counts: _containers.RepeatedScalarFieldContainer[float]
    top: _containers.RepeatedCompositeFieldContainer[TopValue]
    dimension_means: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., rows: _Optional[int] = ..., nulls: _Optional[int] = ..., expired: _Optional[int] = ..., not_found: _Optional[int] = ..., late: _Optional[int] = ..., not_finite: _Optional[int] = ..., distinct: _Optional[float] = ..., exact: bool = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., mean: _Optional[float] = ..., deviation: _Optional[float] = ..., quantiles: _Optional[_Iterable[_Union[Quantile, _Mapping]]] = ..., edges: _Optional[_Iterable[float]] = ..., counts: _Optional[_Iterable[float]] = ..., top: _Optional[_Iterable[_Union[TopValue, _Mapping]]] = ..., dimension_means: _Optional[_Iterable[float]] = ...) -> None: ...

class Quantile(_message.Message):
    __slots__ = ("share", "value")
    SHARE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    share: float
    value: float
    def __init__(self, share: _Optional[float] = ..., value: _Optional[float] = ...) -> None: ...

class TopValue(_message.Message):
    __slots__ = ("text", "count")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    text: str
    count: int
    def __init__(self, text: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class DriftRequest(_message.Message):
    __slots__ = ("head", "training_set", "current", "features", "test", "threshold", "share", "model", "versions", "since_us", "until_us", "against_since_us", "against_until_us", "view")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    AGAINST_SINCE_US_FIELD_NUMBER: _ClassVar[int]
    AGAINST_UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    training_set: str
    current: str
    features: _containers.RepeatedScalarFieldContainer[str]
    test: str
    threshold: float
    share: float
    model: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    since_us: int
    until_us: int
    against_since_us: int
    against_until_us: int
    view: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., training_set: _Optional[str] = ..., current: _Optional[str] = ..., features: _Optional[_Iterable[str]] = ..., test: _Optional[str] = ..., threshold: _Optional[float] = ..., share: _Optional[float] = ..., model: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., against_since_us: _Optional[int] = ..., against_until_us: _Optional[int] = ..., view: _Optional[str] = ...) -> None: ...

class Drift(_message.Message):
    __slots__ = ("reference", "current", "reference_rows", "current_rows", "features", "compared", "drifted", "share", "share_threshold", "is_drift", "versions")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_ROWS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_ROWS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    DRIFTED_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    SHARE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    IS_DRIFT_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    reference: str
    current: str
    reference_rows: int
    current_rows: int
    features: _containers.RepeatedCompositeFieldContainer[FeatureDrift]
    compared: int
    drifted: int
    share: float
    share_threshold: float
    is_drift: bool
    versions: _containers.RepeatedCompositeFieldContainer[VersionRows]
    def __init__(self, reference: _Optional[str] = ..., current: _Optional[str] = ..., reference_rows: _Optional[int] = ..., current_rows: _Optional[int] = ..., features: _Optional[_Iterable[_Union[FeatureDrift, _Mapping]]] = ..., compared: _Optional[int] = ..., drifted: _Optional[int] = ..., share: _Optional[float] = ..., share_threshold: _Optional[float] = ..., is_drift: bool = ..., versions: _Optional[_Iterable[_Union[VersionRows, _Mapping]]] = ...) -> None: ...

class VersionRows(_message.Message):
    __slots__ = ("version", "rows", "failed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    version: int
    rows: int
    failed: int
    def __init__(self, version: _Optional[int] = ..., rows: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class FeatureDrift(_message.Message):
    __slots__ = ("name", "test", "score", "threshold", "is_drift", "cannot_tell", "nulls_moved", "reference", "current")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    IS_DRIFT_FIELD_NUMBER: _ClassVar[int]
    CANNOT_TELL_FIELD_NUMBER: _ClassVar[int]
    NULLS_MOVED_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    test: str
    score: float
    threshold: float
    is_drift: bool
    cannot_tell: str
    nulls_moved: bool
    reference: FeatureProfile
    current: FeatureProfile
    def __init__(self, name: _Optional[str] = ..., test: _Optional[str] = ..., score: _Optional[float] = ..., threshold: _Optional[float] = ..., is_drift: bool = ..., cannot_tell: _Optional[str] = ..., nulls_moved: bool = ..., reference: _Optional[_Union[FeatureProfile, _Mapping]] = ..., current: _Optional[_Union[FeatureProfile, _Mapping]] = ...) -> None: ...

class PerformanceRequest(_message.Message):
    __slots__ = ("head", "model", "versions", "since_us", "until_us", "window_us", "by")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    WINDOW_US_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    since_us: int
    until_us: int
    window_us: int
    by: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., window_us: _Optional[int] = ..., by: _Optional[str] = ...) -> None: ...

class Performance(_message.Message):
    __slots__ = ("kind", "slices", "training", "without", "refused")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slices: _containers.RepeatedCompositeFieldContainer[PerformanceSlice]
    training: _containers.RepeatedCompositeFieldContainer[VersionFigures]
    without: _containers.RepeatedCompositeFieldContainer[VersionRows]
    refused: _containers.RepeatedCompositeFieldContainer[VersionRows]
    def __init__(self, kind: _Optional[str] = ..., slices: _Optional[_Iterable[_Union[PerformanceSlice, _Mapping]]] = ..., training: _Optional[_Iterable[_Union[VersionFigures, _Mapping]]] = ..., without: _Optional[_Iterable[_Union[VersionRows, _Mapping]]] = ..., refused: _Optional[_Iterable[_Union[VersionRows, _Mapping]]] = ...) -> None: ...

class PerformanceSlice(_message.Message):
    __slots__ = ("version", "since_us", "until_us", "value", "rows", "missing", "unpredicted", "figures", "calibration", "failed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    UNPREDICTED_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    version: int
    since_us: int
    until_us: int
    value: str
    rows: int
    missing: int
    unpredicted: int
    figures: _containers.RepeatedCompositeFieldContainer[Figure]
    calibration: _containers.RepeatedCompositeFieldContainer[CalibrationBin]
    failed: int
    def __init__(self, version: _Optional[int] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., value: _Optional[str] = ..., rows: _Optional[int] = ..., missing: _Optional[int] = ..., unpredicted: _Optional[int] = ..., figures: _Optional[_Iterable[_Union[Figure, _Mapping]]] = ..., calibration: _Optional[_Iterable[_Union[CalibrationBin, _Mapping]]] = ..., failed: _Optional[int] = ...) -> None: ...

class Figure(_message.Message):
    __slots__ = ("name", "value", "low", "high")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    low: float
    high: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class CalibrationBin(_message.Message):
    __slots__ = ("rows", "mean_score", "share_of_ones")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MEAN_SCORE_FIELD_NUMBER: _ClassVar[int]
    SHARE_OF_ONES_FIELD_NUMBER: _ClassVar[int]
    rows: int
    mean_score: float
    share_of_ones: float
    def __init__(self, rows: _Optional[int] = ..., mean_score: _Optional[float] = ..., share_of_ones: _Optional[float] = ...) -> None: ...

class VersionFigures(_message.Message):
    __slots__ = ("version", "figures")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    version: int
    figures: _containers.RepeatedCompositeFieldContainer[Figure]
    def __init__(self, version: _Optional[int] = ..., figures: _Optional[_Iterable[_Union[Figure, _Mapping]]] = ...) -> None: ...
