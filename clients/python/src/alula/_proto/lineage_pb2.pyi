from . import common_pb2 as _common_pb2
from . import registry_pb2 as _registry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchRunsRequest(_message.Message):
    __slots__ = ("head", "experiment", "where", "order", "limit", "page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    experiment: str
    where: str
    order: str
    limit: int
    page_token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., experiment: _Optional[str] = ..., where: _Optional[str] = ..., order: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchVersionsRequest(_message.Message):
    __slots__ = ("head", "model", "where", "order", "limit", "page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    where: str
    order: str
    limit: int
    page_token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., where: _Optional[str] = ..., order: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TraceRequest(_message.Message):
    __slots__ = ("head", "view", "import_id", "training_set", "artifact", "service", "run", "feature")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    import_id: str
    training_set: str
    artifact: str
    service: str
    run: str
    feature: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., import_id: _Optional[str] = ..., training_set: _Optional[str] = ..., artifact: _Optional[str] = ..., service: _Optional[str] = ..., run: _Optional[str] = ..., feature: _Optional[str] = ...) -> None: ...

class Trace(_message.Message):
    __slots__ = ("versions", "total", "graph")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[TracedVersion]
    total: int
    graph: _registry_pb2.Lineage
    def __init__(self, versions: _Optional[_Iterable[_Union[TracedVersion, _Mapping]]] = ..., total: _Optional[int] = ..., graph: _Optional[_Union[_registry_pb2.Lineage, _Mapping]] = ...) -> None: ...

class TracedVersion(_message.Message):
    __slots__ = ("model", "version", "stage", "holds", "rollback_of", "training_set", "service", "run", "registered_us")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_OF_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_US_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: int
    stage: str
    holds: _containers.RepeatedScalarFieldContainer[str]
    rollback_of: _containers.RepeatedScalarFieldContainer[str]
    training_set: str
    service: str
    run: str
    registered_us: int
    def __init__(self, model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., holds: _Optional[_Iterable[str]] = ..., rollback_of: _Optional[_Iterable[str]] = ..., training_set: _Optional[str] = ..., service: _Optional[str] = ..., run: _Optional[str] = ..., registered_us: _Optional[int] = ...) -> None: ...

class DiffVersionsRequest(_message.Message):
    __slots__ = ("head", "model", "before", "after")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    before: int
    after: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ...) -> None: ...

class VersionDiff(_message.Message):
    __slots__ = ("model", "before", "after", "sections")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    model: str
    before: int
    after: int
    sections: _containers.RepeatedCompositeFieldContainer[DiffSection]
    def __init__(self, model: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., sections: _Optional[_Iterable[_Union[DiffSection, _Mapping]]] = ...) -> None: ...

class DiffSection(_message.Message):
    __slots__ = ("name", "items", "same")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[DiffItem]
    same: int
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[DiffItem, _Mapping]]] = ..., same: _Optional[int] = ...) -> None: ...

class DiffItem(_message.Message):
    __slots__ = ("key", "before", "after", "change")
    KEY_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    key: str
    before: str
    after: str
    change: str
    def __init__(self, key: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., change: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("head", "model", "candidate", "stage")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    candidate: int
    stage: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., candidate: _Optional[int] = ..., stage: _Optional[str] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("passed", "markdown", "model", "candidate", "stage", "holder", "rules", "diff", "lineage")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    MARKDOWN_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    markdown: str
    model: str
    candidate: int
    stage: str
    holder: int
    rules: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RuleVerdict]
    diff: VersionDiff
    lineage: _registry_pb2.Lineage
    def __init__(self, passed: bool = ..., markdown: _Optional[str] = ..., model: _Optional[str] = ..., candidate: _Optional[int] = ..., stage: _Optional[str] = ..., holder: _Optional[int] = ..., rules: _Optional[_Iterable[_Union[_registry_pb2.RuleVerdict, _Mapping]]] = ..., diff: _Optional[_Union[VersionDiff, _Mapping]] = ..., lineage: _Optional[_Union[_registry_pb2.Lineage, _Mapping]] = ...) -> None: ...
