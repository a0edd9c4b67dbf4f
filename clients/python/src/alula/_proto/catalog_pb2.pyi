from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApplyRequest(_message.Message):
    __slots__ = ("head", "files", "retire", "drop")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    RETIRE_FIELD_NUMBER: _ClassVar[int]
    DROP_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    files: _containers.RepeatedCompositeFieldContainer[DefinitionFile]
    retire: _containers.RepeatedScalarFieldContainer[str]
    drop: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., files: _Optional[_Iterable[_Union[DefinitionFile, _Mapping]]] = ..., retire: _Optional[_Iterable[str]] = ..., drop: _Optional[_Iterable[str]] = ...) -> None: ...

class DefinitionFile(_message.Message):
    __slots__ = ("name", "yaml")
    NAME_FIELD_NUMBER: _ClassVar[int]
    YAML_FIELD_NUMBER: _ClassVar[int]
    name: str
    yaml: str
    def __init__(self, name: _Optional[str] = ..., yaml: _Optional[str] = ...) -> None: ...

class ApplyResponse(_message.Message):
    __slots__ = ("changes", "breaks", "catalog_revision", "loses")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    BREAKS_FIELD_NUMBER: _ClassVar[int]
    CATALOG_REVISION_FIELD_NUMBER: _ClassVar[int]
    LOSES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[DefinitionChange]
    breaks: _containers.RepeatedScalarFieldContainer[str]
    catalog_revision: int
    loses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, changes: _Optional[_Iterable[_Union[DefinitionChange, _Mapping]]] = ..., breaks: _Optional[_Iterable[str]] = ..., catalog_revision: _Optional[int] = ..., loses: _Optional[_Iterable[str]] = ...) -> None: ...

class DefinitionChange(_message.Message):
    __slots__ = ("kind", "name", "action", "lines")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    action: str
    lines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., action: _Optional[str] = ..., lines: _Optional[_Iterable[str]] = ...) -> None: ...

class CatalogResponse(_message.Message):
    __slots__ = ("project", "catalog_revision", "entities", "views", "services", "gates")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CATALOG_REVISION_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    GATES_FIELD_NUMBER: _ClassVar[int]
    project: str
    catalog_revision: int
    entities: _containers.RepeatedCompositeFieldContainer[EntityDefinition]
    views: _containers.RepeatedCompositeFieldContainer[ViewDefinition]
    services: _containers.RepeatedCompositeFieldContainer[ServiceDefinition]
    gates: _containers.RepeatedCompositeFieldContainer[GateDefinition]
    def __init__(self, project: _Optional[str] = ..., catalog_revision: _Optional[int] = ..., entities: _Optional[_Iterable[_Union[EntityDefinition, _Mapping]]] = ..., views: _Optional[_Iterable[_Union[ViewDefinition, _Mapping]]] = ..., services: _Optional[_Iterable[_Union[ServiceDefinition, _Mapping]]] = ..., gates: _Optional[_Iterable[_Union[GateDefinition, _Mapping]]] = ...) -> None: ...

class EntityDefinition(_message.Message):
    __slots__ = ("name", "keys")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    name: str
    keys: _containers.RepeatedCompositeFieldContainer[_common_pb2.Field]
    def __init__(self, name: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[_common_pb2.Field, _Mapping]]] = ...) -> None: ...

class ViewDefinition(_message.Message):
    __slots__ = ("name", "entity", "keys", "features", "lookback_us", "max_age_us", "event_time_column", "created_time_column", "owner", "description", "schema_version", "retired", "retention_age_us", "retention_rows_per_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    LOOKBACK_US_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_US_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_COLUMN_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIME_COLUMN_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    RETIRED_FIELD_NUMBER: _ClassVar[int]
    RETENTION_AGE_US_FIELD_NUMBER: _ClassVar[int]
    RETENTION_ROWS_PER_KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    entity: str
    keys: _containers.RepeatedCompositeFieldContainer[_common_pb2.Field]
    features: _containers.RepeatedCompositeFieldContainer[_common_pb2.Field]
    lookback_us: int
    max_age_us: int
    event_time_column: str
    created_time_column: str
    owner: str
    description: str
    schema_version: int
    retired: bool
    retention_age_us: int
    retention_rows_per_key: int
    def __init__(self, name: _Optional[str] = ..., entity: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[_common_pb2.Field, _Mapping]]] = ..., features: _Optional[_Iterable[_Union[_common_pb2.Field, _Mapping]]] = ..., lookback_us: _Optional[int] = ..., max_age_us: _Optional[int] = ..., event_time_column: _Optional[str] = ..., created_time_column: _Optional[str] = ..., owner: _Optional[str] = ..., description: _Optional[str] = ..., schema_version: _Optional[int] = ..., retired: bool = ..., retention_age_us: _Optional[int] = ..., retention_rows_per_key: _Optional[int] = ...) -> None: ...

class ServiceDefinition(_message.Message):
    __slots__ = ("name", "version", "projections", "request_fields", "key_columns", "retired", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELDS_FIELD_NUMBER: _ClassVar[int]
    KEY_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    RETIRED_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    projections: _containers.RepeatedCompositeFieldContainer[ProjectionDefinition]
    request_fields: _containers.RepeatedCompositeFieldContainer[_common_pb2.Field]
    key_columns: _containers.RepeatedCompositeFieldContainer[_common_pb2.Field]
    retired: bool
    description: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., projections: _Optional[_Iterable[_Union[ProjectionDefinition, _Mapping]]] = ..., request_fields: _Optional[_Iterable[_Union[_common_pb2.Field, _Mapping]]] = ..., key_columns: _Optional[_Iterable[_Union[_common_pb2.Field, _Mapping]]] = ..., retired: bool = ..., description: _Optional[str] = ...) -> None: ...

class ProjectionDefinition(_message.Message):
    __slots__ = ("view", "role", "key_columns", "features", "columns")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    KEY_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    view: str
    role: str
    key_columns: _containers.RepeatedScalarFieldContainer[str]
    features: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, view: _Optional[str] = ..., role: _Optional[str] = ..., key_columns: _Optional[_Iterable[str]] = ..., features: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[str]] = ...) -> None: ...

class GateDefinition(_message.Message):
    __slots__ = ("model", "to", "rules", "version")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    model: str
    to: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    version: int
    def __init__(self, model: _Optional[str] = ..., to: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ..., version: _Optional[int] = ..., **kwargs) -> None: ...
