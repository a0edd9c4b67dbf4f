"""Records that take their attributes out of a message: copied, pickled, changed."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from alula._inputs import _narrowest, names_of
from alula._proto import registry_pb2
from alula._types import Field, Scalar, ValueType
from alula.registry import ModelVersion, RunRecord


@pytest.fixture
def run() -> RunRecord:
    message = registry_pb2.Run(id="run-1", name="first", started_us=1_700_000_000_000_000)
    message.params.add(key="c", value="1.0")
    message.metrics.add(name="auc", value=0.75, step=3)
    return RunRecord.of(message)


def test_a_run_is_pickled_and_copied(run: RunRecord) -> None:
    for again in (pickle.loads(pickle.dumps(run)), copy.copy(run), copy.deepcopy(run)):
        assert again == run
        assert (again.id, again.params, again.metrics) == ("run-1", {"c": "1.0"}, {"auc": 0.75})


def test_a_changed_run_is_made_of_one(run: RunRecord) -> None:
    changed = dataclasses.replace(run, name="second")
    assert (changed.name, changed.id, changed.params) == ("second", "run-1", {"c": "1.0"})
    assert run.name == "first" and changed != run
    assert pickle.loads(pickle.dumps(changed)) == changed


def test_a_version_is_pickled() -> None:
    version = ModelVersion.of(registry_pb2.ModelVersion(model="m", version=3, stage="staging"))
    again = pickle.loads(pickle.dumps(version))
    assert (int(again), again.model, again.stage) == (3, "m", "staging")
    assert int(pickle.loads(pickle.dumps(ModelVersion(3)))) == 3


def test_of_types_that_differ_the_narrower_is_sent() -> None:
    def of(*types: Scalar) -> Scalar:
        return _narrowest(Field("amount", ValueType(kind)) for kind in types)["amount"].type.scalar

    assert of(Scalar.INT32, Scalar.INT64) == of(Scalar.INT64, Scalar.INT32) == Scalar.INT32
    assert of(Scalar.FLOAT64, Scalar.FLOAT32) == Scalar.FLOAT32
    assert of(Scalar.STRING, Scalar.INT64) == Scalar.STRING  # the first: the greatest share


def test_keys_have_names_whatever_they_come_in() -> None:
    assert names_of({"id": [1]}) == names_of([{"id": 1}, {"id": 2}]) == {"id"}
    assert names_of(None) is None and names_of([1, 2]) is None
