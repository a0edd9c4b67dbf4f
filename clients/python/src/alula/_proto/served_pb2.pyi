from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LogValuesRequest(_message.Message):
    __slots__ = ("head", "model", "schema")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    schema: _common_pb2.Schema
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class LogValuesResponse(_message.Message):
    __slots__ = ("statuses",)
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    statuses: bytes
    def __init__(self, statuses: _Optional[bytes] = ...) -> None: ...

class ScanPredictionsRequest(_message.Message):
    __slots__ = ("head", "model", "versions", "since_us", "until_us", "as_known_us", "columns", "without_statuses", "service")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    AS_KNOWN_US_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_STATUSES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    since_us: int
    until_us: int
    as_known_us: int
    columns: _containers.RepeatedScalarFieldContainer[str]
    without_statuses: bool
    service: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., as_known_us: _Optional[int] = ..., columns: _Optional[_Iterable[str]] = ..., without_statuses: bool = ..., service: _Optional[str] = ...) -> None: ...

class ScanPredictionsItem(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    schema: _common_pb2.Schema
    def __init__(self, schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class ScanPredictionsResponse(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    def __init__(self, rows: _Optional[int] = ...) -> None: ...

class SetPredictionLogRequest(_message.Message):
    __slots__ = ("head", "model", "rate", "keep_us")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    KEEP_US_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    rate: float
    keep_us: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., rate: _Optional[float] = ..., keep_us: _Optional[int] = ...) -> None: ...

class ShowPredictionLogRequest(_message.Message):
    __slots__ = ("head", "model")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ...) -> None: ...

class PredictionLogs(_message.Message):
    __slots__ = ("logs",)
    LOGS_FIELD_NUMBER: _ClassVar[int]
    logs: _containers.RepeatedCompositeFieldContainer[PredictionLog]
    def __init__(self, logs: _Optional[_Iterable[_Union[PredictionLog, _Mapping]]] = ...) -> None: ...

class PredictionLog(_message.Message):
    __slots__ = ("model", "rate", "keep_us", "prediction_type", "outcome_type", "vectors", "predictions", "outcomes", "bytes", "oldest_us", "newest_us", "versions", "failures")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    KEEP_US_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_TYPE_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    OLDEST_US_FIELD_NUMBER: _ClassVar[int]
    NEWEST_US_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    model: str
    rate: float
    keep_us: int
    prediction_type: str
    outcome_type: str
    vectors: int
    predictions: int
    outcomes: int
    bytes: int
    oldest_us: int
    newest_us: int
    versions: _containers.RepeatedScalarFieldContainer[int]
    failures: int
    def __init__(self, model: _Optional[str] = ..., rate: _Optional[float] = ..., keep_us: _Optional[int] = ..., prediction_type: _Optional[str] = ..., outcome_type: _Optional[str] = ..., vectors: _Optional[int] = ..., predictions: _Optional[int] = ..., outcomes: _Optional[int] = ..., bytes: _Optional[int] = ..., oldest_us: _Optional[int] = ..., newest_us: _Optional[int] = ..., versions: _Optional[_Iterable[int]] = ..., failures: _Optional[int] = ...) -> None: ...

class SkewRequest(_message.Message):
    __slots__ = ("head", "model", "versions", "since_us", "until_us", "most_rows", "service")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    MOST_ROWS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    since_us: int
    until_us: int
    most_rows: int
    service: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., most_rows: _Optional[int] = ..., service: _Optional[str] = ...) -> None: ...

class SkewResponse(_message.Message):
    __slots__ = ("services", "rows_left_out")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ROWS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedCompositeFieldContainer[SkewService]
    rows_left_out: int
    def __init__(self, services: _Optional[_Iterable[_Union[SkewService, _Mapping]]] = ..., rows_left_out: _Optional[int] = ...) -> None: ...

class SkewService(_message.Message):
    __slots__ = ("service", "versions", "rows", "features", "not_replayed", "since_us", "until_us")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    NOT_REPLAYED_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    service: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    rows: int
    features: _containers.RepeatedCompositeFieldContainer[SkewFeature]
    not_replayed: int
    since_us: int
    until_us: int
    def __init__(self, service: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., rows: _Optional[int] = ..., features: _Optional[_Iterable[_Union[SkewFeature, _Mapping]]] = ..., not_replayed: _Optional[int] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ...) -> None: ...

class SkewFeature(_message.Message):
    __slots__ = ("column", "view", "same", "differs", "missing", "extra", "late", "withdrawn", "examples")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    DIFFERS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    column: str
    view: str
    same: int
    differs: int
    missing: int
    extra: int
    late: int
    withdrawn: int
    examples: _containers.RepeatedCompositeFieldContainer[SkewExample]
    def __init__(self, column: _Optional[str] = ..., view: _Optional[str] = ..., same: _Optional[int] = ..., differs: _Optional[int] = ..., missing: _Optional[int] = ..., extra: _Optional[int] = ..., late: _Optional[int] = ..., withdrawn: _Optional[int] = ..., examples: _Optional[_Iterable[_Union[SkewExample, _Mapping]]] = ...) -> None: ...

class SkewExample(_message.Message):
    __slots__ = ("prediction_id", "kind", "key", "served", "then", "now")
    PREDICTION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    prediction_id: bytes
    kind: str
    key: str
    served: str
    then: str
    now: str
    def __init__(self, prediction_id: _Optional[bytes] = ..., kind: _Optional[str] = ..., key: _Optional[str] = ..., served: _Optional[str] = ..., then: _Optional[str] = ..., now: _Optional[str] = ...) -> None: ...

class TrainingSetFromLogRequest(_message.Message):
    __slots__ = ("head", "model", "versions", "since_us", "until_us", "as_known_us", "without_outcome", "service")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    AS_KNOWN_US_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    since_us: int
    until_us: int
    as_known_us: int
    without_outcome: bool
    service: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., as_known_us: _Optional[int] = ..., without_outcome: bool = ..., service: _Optional[str] = ...) -> None: ...
