"""Features of every type through a real server: loaded, joined, served, equal to plain words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server
UTC = dt.timezone.utc

SHOP = """
project: shop
entities:
  - {name: visit, keys: {shop: string, customer: int64}}
  - {name: product, keys: {sku: bytes}}
views:
  - name: visits
    entity: visit
    lookback: 30d
    retention: {age: 36500d, rows_per_key: 1000}
    features:
      {spent: float64, count: int32, vip: bool, last: timestamp, note: string, raw: bytes,
       basket: "int64[]", words: "string[]", taste: "float32[4]"}
  - name: mood
    entity: visit
    features: {smile: float32, items: int64}
  - name: products
    entity: product
    features: {price: float64, name: string}
services:
  - name: offers
    features: ["visits:*", "mood:*", "products:*"]
    request: {hour: int32, voucher: string}
  - name: numbers
    features: ["visits:spent", "visits:count", "mood:smile", "mood:items"]
    request: {hour: int32}
"""
START = pd.Timestamp("2024-01-01", tz="UTC")


def maybe(random: np.random.Generator, value: Any, share: float = 0.2) -> Any:
    return None if random.random() < share else value


def keys_of(random: np.random.Generator) -> dict[str, Any]:
    return {
        "shop": ["1", "11", "ż", ""][random.integers(4)],
        "customer": int(random.integers(-1, 4)),
    }


def moment_of(random: np.random.Generator) -> pd.Timestamp:
    return START + pd.Timedelta(hours=int(random.integers(0, 24 * 90)))


def visit_rows(random: np.random.Generator, count: int) -> list[dict[str, Any]]:
    return [
        {
            **keys_of(random),
            "event_time": (event := moment_of(random)),
            "created_time": maybe(random, event + pd.Timedelta(hours=int(random.integers(0, 5)))),
            "spent": maybe(random, float(random.integers(0, 99)) / 4),
            "count": maybe(random, int(random.integers(-9, 9))),
            "vip": maybe(random, bool(random.integers(2))),
            "last": maybe(random, moment_of(random)),
            "note": maybe(random, "ż" * int(random.integers(4))),
            "raw": maybe(random, bytes(random.integers(0, 255, int(random.integers(3))).tolist())),
            "basket": maybe(random, random.integers(0, 9, int(random.integers(4))).tolist()),
            "words": maybe(random, ["a", "", "żó"][: int(random.integers(4))]),
            "taste": maybe(random, (random.integers(0, 9, 4) / 2).tolist()),
        }
        for _ in range(count)
    ]


def mood_rows(random: np.random.Generator, count: int) -> list[dict[str, Any]]:
    return [
        {
            **keys_of(random), "event_time": moment_of(random),
            "smile": maybe(random, float(random.integers(0, 9)) / 2),
            "items": maybe(random, int(random.integers(0, 2**40))),
        }
        for _ in range(count)
    ]  # fmt: skip


def product_rows(random: np.random.Generator, count: int) -> list[dict[str, Any]]:
    return [
        {
            "sku": [b"\x00", b"\x00\x01", b"\xff"][random.integers(3)], "event_time": moment_of(random),
            "price": maybe(random, float(random.integers(0, 99))), "name": maybe(random, "thing"),
        }
        for _ in range(count)
    ]  # fmt: skip


def winner(
    history: list[dict[str, Any]],
    keys: list[str],
    at: dict[str, Any],
    lookback: pd.Timedelta | None,
) -> dict[str, Any]:
    """The point-in-time rule in plain words; later rows win where all else is equal."""
    moment = at["event_time"]
    best: dict[str, Any] = {}
    order: Any = None
    if moment is None or any(at[key] is None for key in keys):
        return best
    for position, row in enumerate(history):
        if any(row[key] != at[key] for key in keys) or row["event_time"] > moment:
            continue
        if lookback is not None and row["event_time"] < moment - lookback:
            continue
        created = row.get("created_time")
        mine = (row["event_time"], created is not None, created or START, position)
        if order is None or mine > order:
            best, order = row, mine
    return best


VIEWS = {
    "visits": (["shop", "customer"], pd.Timedelta(days=30)),
    "mood": (["shop", "customer"], None),
    "products": (["sku"], None),
}
FEATURES = {
    "visits": ["spent", "count", "vip", "last", "note", "raw", "basket", "words", "taste"],
    "mood": ["smile", "items"],
    "products": ["price", "name"],
}


def as_table(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture(scope="module")
def shop(server: Server) -> tuple[alula.Store, dict[str, list[dict[str, Any]]]]:
    """A loaded project of every kind of type, and what was loaded, in the order of the log."""
    store = server.connect("shop")
    store.apply(SHOP)
    random = np.random.default_rng(7)
    history: dict[str, list[dict[str, Any]]] = {
        "visits": visit_rows(random, 400), "mood": mood_rows(random, 200), "products": product_rows(random, 40),
    }  # fmt: skip
    for view, rows in history.items():
        loaded = store.load(view, as_table(rows), progress=False)
        assert loaded.rows == len(rows) and not loaded.existed
    return store, history


def test_applying_again_changes_nothing(shop: Any) -> None:
    store, _ = shop
    assert not store.apply(SHOP) and not store.plan(SHOP)
    assert [view.name for view in sorted(store.views(), key=lambda v: v.name)] == [
        "mood",
        "products",
        "visits",
    ]
    assert {service.reference for service in store.services()} == {"offers@1", "numbers@1"}
    (visits,) = [view for view in store.views() if view.name == "visits"]
    assert [str(key) for key in visits.keys] == ["shop: string", "customer: int64"]
    assert [str(feature.type) for feature in visits.features] == [
        "float64", "int32", "bool", "timestamp", "string", "bytes", "int64[]", "string[]", "float32[4]",
    ]  # fmt: skip
    assert visits.lookback == dt.timedelta(days=30) and visits.max_age is None
    assert visits.retention_age == dt.timedelta(days=36500)
    assert visits.retention_rows_per_key == 1000


def spine_rows(random: np.random.Generator, count: int) -> list[dict[str, Any]]:
    rows = [
        {
            "label": int(random.integers(2)),
            "shop": maybe(random, keys_of(random)["shop"], 0.05),
            "customer": maybe(random, keys_of(random)["customer"], 0.05),
            "event_time": maybe(random, moment_of(random), 0.05),
            "sku": maybe(random, [b"\x00", b"\x00\x01", b"\xff", b""][random.integers(4)], 0.1),
            "hour": int(random.integers(24)),
            "voucher": maybe(random, "v"),
            "carried": maybe(random, "x" * int(random.integers(5))),
        }
        for _ in range(count)
    ]
    return rows + rows[: count // 3]  # duplicates, with their labels


def same(left: Any, right: Any) -> bool:
    if isinstance(left, pd.Timestamp):
        left = left.to_pydatetime()
    if isinstance(right, pd.Timestamp):
        right = right.to_pydatetime()
    return bool(left == right)


@pytest.mark.parametrize("seed, count", [(1, 1), (2, 30), (3, 600)])
def test_a_training_set_is_the_naive_join_in_every_row_order_and_type(
    shop: Any, seed: int, count: int
) -> None:
    store, history = shop
    spine = spine_rows(np.random.default_rng(seed), count)
    train = store.training_set("offers", as_table(spine), event_time="event_time", label="label")
    rows = train.to_arrow().to_pylist()
    assert len(rows) == len(spine)
    for number, (row, asked) in enumerate(zip(rows, spine)):
        for name, value in asked.items():
            assert same(row[name], value), (seed, number, name)
        for view, (keys, lookback) in VIEWS.items():
            best = winner(history[view], keys, asked, lookback)
            for feature in FEATURES[view]:
                assert same(row[feature], best.get(feature)), (seed, number, view, feature)
    columns = list(spine[0]) + sum(FEATURES.values(), [])
    assert train.columns == columns
    assert train.to_arrow().schema.field("count").type == pa.int32()
    assert train.to_arrow().schema.field("taste").type == pa.list_(pa.float32(), 4)
    assert train.feature_columns == sum(FEATURES.values(), []) + ["hour", "voucher"]
    assert train.X.columns.tolist() == train.feature_columns
    assert train.y.tolist() == [row["label"] for row in spine]
    again = store.get_training_set(train.id)
    assert again.digest == train.digest and again.to_arrow().equals(train.to_arrow())
    report = {view.label: view for view in train.report}
    assert sum(
        getattr(report["visits"], name) for name in ("matched", "expired", "not_found", "null_keys")
    ) == len(spine)


def test_the_number_of_rows_in_a_training_set_is_that_of_its_spine(
    shop: Any, tmp_path: Path
) -> None:
    store, history = shop
    random = np.random.default_rng(11)
    keys = [keys_of(random) for _ in range(150_000)]
    spine = pd.DataFrame(keys)
    spine["event_time"] = START + pd.to_timedelta(random.integers(0, 24 * 90, len(spine)), "h")
    spine["hour"] = np.arange(len(spine), dtype=np.int32)
    train = store.training_set("numbers", spine)
    assert train.X.shape == (150_000, 5) and train.X.dtype == np.float64
    assert (train.X[:, 4] == np.arange(150_000)).all()
    for number in random.integers(0, len(spine), 300):
        asked = {**keys[number], "event_time": spine["event_time"][number]}
        visit = winner(history["visits"], ["shop", "customer"], asked, pd.Timedelta(days=30))
        mood = winner(history["mood"], ["shop", "customer"], asked, None)
        expected = [visit.get("spent"), visit.get("count"), mood.get("smile"), mood.get("items")]
        for value, wanted in zip(train.X[number], expected):
            assert (
                (wanted is None and np.isnan(value))
                or value == np.float32(wanted)
                or value == wanted
            )
    spine.to_parquet(tmp_path / "spine.parquet")
    assert store.training_set("numbers", tmp_path / "spine.parquet").digest == train.digest
    train.write_parquet(tmp_path / "train.parquet")
    assert pd.read_parquet(tmp_path / "train.parquet").shape == (150_000, 8)


def test_online_equals_offline_now(shop: Any) -> None:
    store, _ = shop
    random = np.random.default_rng(5)
    keys = [keys_of(random) for _ in range(50)] + [{"shop": "nowhere", "customer": 1}]
    inputs = {
        "shop": [k["shop"] for k in keys], "customer": [k["customer"] for k in keys],
        "sku": [[b"\x00", b"\xff", b"none"][i % 3] for i in range(len(keys))],
    }  # fmt: skip
    request = {"hour": list(range(len(keys))), "voucher": [None] * len(keys)}
    answer = store.read("offers", inputs, request)
    now = dt.datetime.now(UTC)
    spine = {**inputs, **request, "event_time": [now] * len(keys)}
    offline = store.training_set("offers", spine)
    # visits look back 30 days offline and have no max age online: only views without either are equal
    for name in ("smile", "items", "price", "name", "hour", "voucher"):
        assert answer.to_arrow()[name].to_pylist() == offline.to_arrow()[name].to_pylist(), name
    assert answer.statuses("smile")[-1] == "notFound"
    assert set(answer.statuses("spent")) <= {"present", "null", "notFound"}
    assert answer.service == "offers@1" and answer.columns == offline.feature_columns
    one = store.read(
        "offers", {"shop": "1", "customer": 1, "sku": b"\x00"}, {"hour": 3, "voucher": "v"}
    )
    assert len(one) == 1 and one.to_pandas()["hour"].tolist() == [3]
    empty = store.read(
        "offers", {"shop": [], "customer": [], "sku": []}, {"hour": [], "voucher": []}
    )
    assert len(empty) == 0 and empty.to_arrow().num_rows == 0


def test_a_read_of_many_rows_is_put_together(shop: Any) -> None:
    store, _ = shop
    count = 150_000
    inputs = {"shop": ["1"] * count, "customer": np.arange(count) % 7 - 1}
    answer = store.read("numbers", inputs, {"hour": np.arange(count, dtype=np.int32)})
    values = answer.to_numpy()
    assert values.shape == (count, 5) and (values[:, 4] == np.arange(count)).all()
    few = store.read("numbers", {"shop": ["1"] * 7, "customer": range(-1, 6)}, {"hour": [0] * 7})
    np.testing.assert_array_equal(values[:7, :4], few.to_numpy()[:, :4])
    assert answer.statuses("smile").tolist()[:7] == few.statuses("smile").tolist()


def test_history_shows_every_row_of_an_entity(shop: Any) -> None:
    store, history = shop
    rows = store.history("mood", {"shop": "11", "customer": 2})
    mine = [r for r in history["mood"] if (r["shop"], r["customer"]) == ("11", 2)]
    assert len(rows) == len(mine) > 0
    assert rows["@event_time"].tolist() == sorted(r["event_time"] for r in mine)
    assert {"@created_time", "@recorded_time", "@log_entry", "@log_row", "@import"} <= set(
        rows.columns
    )
    assert len(store.history("mood", {"shop": "none", "customer": 2})) == 0


BAD_READS: list[tuple[str, Any, type[alula.AlulaError], str]] = [
    ("nothing", {"shop": ["1"], "customer": [1]}, alula.NotFound, "nothing"),
    ("numbers@9", {"shop": ["1"], "customer": [1]}, alula.NotFound, "9"),
    ("numbers", {"shop": ["1"]}, alula.InvalidArgument, "customer"),
    ("numbers", {"shop": ["1"], "customer": [None], "hour": [1]}, alula.InvalidArgument, "null"),
    ("numbers", {"shop": [1], "customer": [1], "hour": [1]}, alula.InvalidArgument, "string"),
    ("numbers", {"shop": ["1"], "customer": [1], "hour": [2**31]}, alula.InvalidArgument, "int32"),
]


@pytest.mark.parametrize("service, keys, kind, said", BAD_READS)
def test_bad_reads_are_said_clearly(
    shop: Any, service: str, keys: Any, kind: Any, said: str
) -> None:
    store, _ = shop
    with pytest.raises(kind, match=said):
        store.read(service, keys)


@pytest.mark.parametrize(
    "text, said",
    [
        ("project: p\nviews:\n  - {name: v, entity: none, features: {a: int64}}\n", "none"),
        ("project: p\nentities:\n  - {name: e, keys: {k: float32}}\n", "float32"),
        ("project: [", ""),
        (
            "project: p\nentities:\n  - {name: e, keys: {k: int64}}\n  - {name: e, keys: {k: int64}}\n",
            "e",
        ),
    ],
)
def test_bad_definitions_are_refused_with_reasons(shop: Any, text: str, said: str) -> None:
    store, _ = shop
    with pytest.raises(alula.InvalidArgument) as caught:
        store.apply(text)
    assert said in str(caught.value)
    assert len(store.views()) == 3
