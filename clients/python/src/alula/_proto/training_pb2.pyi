from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MakeTrainingSetRequest(_message.Message):
    __slots__ = ("head", "service", "schema", "event_time", "label", "as_of", "as_known", "keep_unknown", "spine_name")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    AS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    KEEP_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    SPINE_NAME_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    service: str
    schema: _common_pb2.Schema
    event_time: str
    label: str
    as_of: _common_pb2.AsOf
    as_known: bool
    keep_unknown: bool
    spine_name: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., service: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., event_time: _Optional[str] = ..., label: _Optional[str] = ..., as_of: _Optional[_Union[_common_pb2.AsOf, _Mapping]] = ..., as_known: bool = ..., keep_unknown: bool = ..., spine_name: _Optional[str] = ...) -> None: ...

class SpineChunk(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BatchItem(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    schema: _common_pb2.Schema
    def __init__(self, schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class TrainingSet(_message.Message):
    __slots__ = ("id", "project", "service", "log_entry", "digest", "spine_digest", "rows", "schema", "event_time", "label", "made_us", "as_known", "keep_unknown", "reports", "feature_columns", "spine_name", "actor", "losses", "blanked_rows", "served_model")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SPINE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MADE_US_FIELD_NUMBER: _ClassVar[int]
    AS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    KEEP_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SPINE_NAME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    BLANKED_ROWS_FIELD_NUMBER: _ClassVar[int]
    SERVED_MODEL_FIELD_NUMBER: _ClassVar[int]
    id: str
    project: str
    service: str
    log_entry: int
    digest: str
    spine_digest: str
    rows: int
    schema: _common_pb2.Schema
    event_time: str
    label: str
    made_us: int
    as_known: bool
    keep_unknown: bool
    reports: _containers.RepeatedCompositeFieldContainer[ViewReport]
    feature_columns: _containers.RepeatedScalarFieldContainer[str]
    spine_name: str
    actor: str
    losses: _containers.RepeatedCompositeFieldContainer[ViewLoss]
    blanked_rows: int
    served_model: str
    def __init__(self, id: _Optional[str] = ..., project: _Optional[str] = ..., service: _Optional[str] = ..., log_entry: _Optional[int] = ..., digest: _Optional[str] = ..., spine_digest: _Optional[str] = ..., rows: _Optional[int] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., event_time: _Optional[str] = ..., label: _Optional[str] = ..., made_us: _Optional[int] = ..., as_known: bool = ..., keep_unknown: bool = ..., reports: _Optional[_Iterable[_Union[ViewReport, _Mapping]]] = ..., feature_columns: _Optional[_Iterable[str]] = ..., spine_name: _Optional[str] = ..., actor: _Optional[str] = ..., losses: _Optional[_Iterable[_Union[ViewLoss, _Mapping]]] = ..., blanked_rows: _Optional[int] = ..., served_model: _Optional[str] = ...) -> None: ...

class ViewLoss(_message.Message):
    __slots__ = ("label", "values", "log_entries")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LOG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    label: str
    values: int
    log_entries: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, label: _Optional[str] = ..., values: _Optional[int] = ..., log_entries: _Optional[_Iterable[int]] = ...) -> None: ...

class ViewReport(_message.Message):
    __slots__ = ("label", "matched", "expired", "not_found", "null_keys", "late", "unknown", "oldest_event_us", "newest_event_us", "view")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    NULL_KEYS_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    OLDEST_EVENT_US_FIELD_NUMBER: _ClassVar[int]
    NEWEST_EVENT_US_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    label: str
    matched: int
    expired: int
    not_found: int
    null_keys: int
    late: int
    unknown: int
    oldest_event_us: int
    newest_event_us: int
    view: str
    def __init__(self, label: _Optional[str] = ..., matched: _Optional[int] = ..., expired: _Optional[int] = ..., not_found: _Optional[int] = ..., null_keys: _Optional[int] = ..., late: _Optional[int] = ..., unknown: _Optional[int] = ..., oldest_event_us: _Optional[int] = ..., newest_event_us: _Optional[int] = ..., view: _Optional[str] = ...) -> None: ...

class ListTrainingSetsRequest(_message.Message):
    __slots__ = ("head", "limit", "page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    limit: int
    page_token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TrainingSets(_message.Message):
    __slots__ = ("sets", "next_page_token")
    SETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sets: _containers.RepeatedCompositeFieldContainer[TrainingSet]
    next_page_token: str
    def __init__(self, sets: _Optional[_Iterable[_Union[TrainingSet, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class TrainingSetRequest(_message.Message):
    __slots__ = ("head", "id", "incomplete")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    id: str
    incomplete: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., id: _Optional[str] = ..., incomplete: bool = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("head", "service", "schema", "event_time", "as_of", "as_known")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    AS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    service: str
    schema: _common_pb2.Schema
    event_time: str
    as_of: _common_pb2.AsOf
    as_known: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., service: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., event_time: _Optional[str] = ..., as_of: _Optional[_Union[_common_pb2.AsOf, _Mapping]] = ..., as_known: bool = ...) -> None: ...

class ExplainItem(_message.Message):
    __slots__ = ("label", "view", "status", "lookback_us", "schema")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LOOKBACK_US_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    label: str
    view: str
    status: str
    lookback_us: int
    schema: _common_pb2.Schema
    def __init__(self, label: _Optional[str] = ..., view: _Optional[str] = ..., status: _Optional[str] = ..., lookback_us: _Optional[int] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("log_entry", "service")
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    log_entry: int
    service: str
    def __init__(self, log_entry: _Optional[int] = ..., service: _Optional[str] = ...) -> None: ...
