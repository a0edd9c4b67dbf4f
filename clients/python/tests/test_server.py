"""The whole path against a real server: ALULA_BINARY names the `alula` to start."""

from __future__ import annotations

import datetime as dt
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import alula

BINARY = os.environ.get("ALULA_BINARY", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="ALULA_BINARY names no server to start")
DATA = Path(os.environ.get("ALULA_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared data is not at {DATA}")


class Server:
    """A server process on its own directory; it can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> Server:
        lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.directory), "--listen", f"127.0.0.1:{self.port}",
             "--http", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        output = self.process.stdout
        assert output is not None

        def read() -> None:
            for line in output:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        said = ""
        while line := lines.get(timeout=60):
            said += line
            if found := re.search(r"listening on alula://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return self
        raise AssertionError(f"the server did not start: {said}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def connect(self, project: str | None = None) -> alula.Store:
        return alula.connect(f"alula://127.0.0.1:{self.port}", project=project, timeout=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("data")).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "own").start()
    yield running
    running.stop()


SHOP = """
project: shop
entities:
  - {name: visit, keys: {shop: string, customer: int64}}
  - {name: product, keys: {sku: bytes}}
views:
  - name: visits
    entity: visit
    lookback: 30d
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
UTC = dt.timezone.utc
START = pd.Timestamp("2024-01-01", tz="UTC")


def maybe(random: np.random.Generator, value: Any, share: float = 0.2) -> Any:
    return None if random.random() < share else value


def keys_of(random: np.random.Generator) -> dict[str, Any]:
    return {"shop": ["1", "11", "ż", ""][random.integers(4)], "customer": int(random.integers(-1, 4))}


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
    history: list[dict[str, Any]], keys: list[str], at: dict[str, Any], lookback: pd.Timedelta | None
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
    assert [view.name for view in sorted(store.views(), key=lambda v: v.name)] == ["mood", "products", "visits"]
    assert {service.reference for service in store.services()} == {"offers@1", "numbers@1"}
    (visits,) = [view for view in store.views() if view.name == "visits"]
    assert [str(key) for key in visits.keys] == ["shop: string", "customer: int64"]
    assert [str(feature.type) for feature in visits.features] == [
        "float64", "int32", "bool", "timestamp", "string", "bytes", "int64[]", "string[]", "float32[4]",
    ]  # fmt: skip
    assert visits.lookback == dt.timedelta(days=30) and visits.max_age is None


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
def test_a_training_set_is_the_naive_join_in_every_row_order_and_type(shop: Any, seed: int, count: int) -> None:
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


def test_the_number_of_rows_in_a_training_set_is_that_of_its_spine(shop: Any, tmp_path: Path) -> None:
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
            assert (wanted is None and np.isnan(value)) or value == np.float32(wanted) or value == wanted
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
    one = store.read("offers", {"shop": "1", "customer": 1, "sku": b"\x00"}, {"hour": 3, "voucher": "v"})
    assert len(one) == 1 and one.to_pandas()["hour"].tolist() == [3]
    empty = store.read("offers", {"shop": [], "customer": [], "sku": []}, {"hour": [], "voucher": []})
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
    assert {"@created_time", "@recorded_time", "@log_entry", "@log_row", "@import"} <= set(rows.columns)
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
def test_bad_reads_are_said_clearly(shop: Any, service: str, keys: Any, kind: Any, said: str) -> None:
    store, _ = shop
    with pytest.raises(kind, match=said):
        store.read(service, keys)


@pytest.mark.parametrize(
    "text, said",
    [
        ("project: p\nviews:\n  - {name: v, entity: none, features: {a: int64}}\n", "none"),
        ("project: p\nentities:\n  - {name: e, keys: {k: float32}}\n", "float32"),
        ("project: [", ""),
        ("project: p\nentities:\n  - {name: e, keys: {k: int64}}\n  - {name: e, keys: {k: int64}}\n", "e"),
    ],
)
def test_bad_definitions_are_refused_with_reasons(shop: Any, text: str, said: str) -> None:
    store, _ = shop
    with pytest.raises(alula.InvalidArgument) as caught:
        store.apply(text)
    assert said in str(caught.value)
    assert len(store.views()) == 3


PUSHES = """
project: push
entities:
  - {name: e, keys: {k: string, n: int64}}
views:
  - {name: v, entity: e, ttl: 7d, features: {x: float64, i: int32, emb: "float32[3]"}}
services:
  - {name: s, features: ["v:*"]}
"""


def test_a_push_is_served_when_it_returns_and_older_rows_lose(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    now = dt.datetime.now(UTC)
    hour = dt.timedelta(hours=1)
    pushed = store.push(
        "v",
        [
            {"k": "a", "n": 1, "event_time": now - 2 * hour, "x": 1.0, "i": 1, "emb": [1.0, 2.0, 3.0]},
            {"k": "a", "n": 1, "event_time": now - 3 * hour, "x": 0.0, "i": 0, "emb": None},
            {"k": None, "n": 1, "event_time": now, "x": 0.0, "i": 0, "emb": None},
            {"k": "b", "n": 1, "event_time": now + hour, "x": 0.0, "i": 0, "emb": None},
            {"k": "b", "n": 1, "event_time": now - hour, "x": 0.0, "i": 2**31, "emb": None},
            {"k": "old", "n": 1, "event_time": now - 8 * 24 * hour, "x": 5.0, "i": 5, "emb": None},
        ],
    )
    assert pushed.statuses.tolist() == ["accepted", "older", "invalid", "inFuture", "invalid", "accepted"]
    assert {problem.row for problem in pushed.problems} >= {2, 3, 4}
    answer = store.read("s", {"k": ["a", "b", "old"], "n": [1, 1, 1]})
    assert answer.statuses("x").tolist() == ["present", "notFound", "expired"]
    assert answer.column("x")[0] == 1.0 and np.isnan(answer.column("x")[1:]).all()
    assert answer.column("emb")[0].tolist() == [1, 2, 3]
    assert abs(answer.event_times("x")[0] - np.datetime64((now - 2 * hour).replace(tzinfo=None))) == 0
    again = store.push("v", {"k": ["a"], "n": [1], "event_time": [now - 2 * hour], "x": [9.0]})
    assert again.statuses.tolist() == ["accepted"]
    assert store.read("s", {"k": "a", "n": 1}).to_arrow().to_pylist() == [{"x": 9.0, "i": None, "emb": None}]
    for bad, kind in (
        ({"k": ["a"], "n": ["x"], "event_time": [now]}, alula.InvalidArgument),
        ({"k": ["a"], "event_time": [now]}, alula.InvalidArgument),
    ):
        with pytest.raises(kind):
            store.push("v", bad)
    with pytest.raises(alula.NotFound, match="w"):
        store.push("w", {"k": ["a"]})
    offline = store.training_set("s", {"k": ["a", "old"], "n": [1, 1], "event_time": [now] * 2})
    assert offline.to_arrow()["x"].to_pylist() == [9.0, None]
    assert offline.report[0].expired == 1


def test_what_was_acknowledged_is_there_after_a_kill(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    now = dt.datetime.now(UTC)
    acknowledged: list[int] = []
    stop = threading.Event()

    def push() -> None:
        number = 0
        while not stop.is_set():
            rows = {"k": ["x"] * 10, "n": range(number, number + 10), "event_time": [now] * 10, "x": [1.0] * 10}
            try:
                store.push("v", rows, timeout=30)
            except alula.AlulaError:
                return
            acknowledged.extend(range(number, number + 10))
            number += 10

    thread = threading.Thread(target=push)
    thread.start()
    while len(acknowledged) < 200:
        stop.wait(0.01)
    own_server.kill()
    own_server.start()
    stop.wait(1.0)
    stop.set()
    thread.join(60)
    assert len(acknowledged) > 200
    answer = store.read("s", {"k": ["x"] * len(acknowledged), "n": acknowledged})
    assert set(answer.statuses("x").tolist()) == {"present"}
    for number in acknowledged[::97]:
        assert len(store.history("v", {"k": "x", "n": number})) == 1
    spine = {"k": ["x"] * len(acknowledged), "n": acknowledged, "event_time": [now] * len(acknowledged)}
    assert store.training_set("s", spine).report[0].matched == len(acknowledged)


def test_a_load_goes_on_after_the_server_was_killed(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    count = 300_000
    rows = {
        "k": [f"key-{i % 1000}" for i in range(count)], "n": np.arange(count) // 1000,
        "event_time": np.full(count, np.datetime64("2024-01-01")), "x": np.arange(count) / 2.0,
        "i": np.arange(count, dtype=np.int32), "emb": np.zeros((count, 3), np.float32),
    }  # fmt: skip
    killed = threading.Event()

    def kill(done: int, total: int | None) -> None:
        if done > 100_000 and not killed.is_set():
            killed.set()
            own_server.kill()
            threading.Thread(target=own_server.start).start()

    try:
        loaded = store.load("v", rows, progress=kill)
    except alula.Unavailable:
        own_server.connect()
        loaded = store.load("v", rows, progress=False)
    assert killed.is_set() and loaded.rows == count
    assert sum(view.offline_rows for view in store.status().views) == count
    assert store.load("v", rows, progress=False).existed
    assert len(store.history("v", {"k": "key-7", "n": 3})) == 1
    assert [record.state for record in store.imports()] == ["published"]


MODELS = """
project: models
entities:
  - {name: e, keys: {k: int64}}
views:
  - {name: v, entity: e, features: {x: float64}}
services:
  - {name: s, features: ["v:*"], request: {amount: float64}}
gates:
  - {model: m, to: staging, require: [{metric: auc, better: higher, min: 0.6}]}
  - model: m
    to: production
    from: [staging]
    require: [{metric: auc, better: higher, min: 0.7, no_worse_than_holder_by: 0.01}]
"""


def test_from_a_run_to_production_and_back(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("models")
    store.apply(MODELS)
    store.load(
        "v", {"k": [1, 2], "event_time": [dt.datetime(2024, 1, 1)] * 2, "x": [0.5, 1.5]}, progress=False
    )
    spine = {"k": [1, 2, 3], "event_time": [dt.datetime(2024, 2, 1)] * 3, "amount": [1, 2, 3], "y": [0, 1, 0]}
    train = store.training_set("s", spine, label="y")
    model = tmp_path / "model.bin"
    model.write_bytes(os.urandom(3_000_000))

    def register(auc: float) -> alula.ModelVersion:
        with store.run("tuning", training_set=train, params={"auc": auc}, tags={"by": "test"}) as run:
            for step in range(20):
                run.log_metric("loss", 1 / (step + 1))
            run.log_metric("auc", auc)
            return run.register("m", [model], description="a test")

    first, bad, second = register(0.75), register(0.5), register(0.8)
    assert (first, bad, second) == (1, 2, 3)
    assert first.training_set == train.id and first.training_digest == train.digest
    assert first.service == "s@1" and first.metrics["auc"] == 0.75 and first.params == {"auc": "0.75"}
    runs = store.runs("tuning")
    assert [run.status for run in runs] == ["finished"] * 3
    points = store.get_run(runs[0].id).points
    assert [(p.name, p.step) for p in points if p.name == "loss"] == [("loss", step) for step in range(20)]

    with pytest.raises(alula.Refused) as caught:
        store.promote("m", bad, "staging")
    assert any("auc" in reason for reason in caught.value.details) or "auc" in str(caught.value)
    with pytest.raises(alula.Refused):
        store.promote("m", first, "production")
    assert not store.promote("m", bad, "staging", dry_run=True)
    for version in (first, second):
        assert store.promote("m", version, "staging").passed
        assert store.promote("m", version, "production", reason="better").version == version
    assert store.model("m", stage="production").version == second

    served = store.model("m", stage="production")
    paths = served.download(tmp_path / "out")
    assert paths["model.bin"].read_bytes() == model.read_bytes()
    np.testing.assert_array_equal(
        served.read({"k": [2, 9]}, request={"amount": [5, 6]}).to_numpy(), [[1.5, 5], [np.nan, 6]]
    )
    back = store.rollback("m", "production", reason="a test")
    assert back.version == first and store.model("m", stage="production").version == first
    assert served.version == second
    assert [v.version for v in store.versions("m")] == [3, 2, 1]
    (registered,) = store.models()
    assert {h.stage: h.version for h in registered.holders}["production"] == 1
    kinds = {node.kind for node in store.lineage("m", first).nodes}
    assert {"version", "run", "training set", "service", "view"} <= kinds
    assert "training set" in str(store.lineage("m", first))
    acts = [entry.act for entry in store.audit()]
    assert any("promote" in act for act in acts) and any("rollback" in act for act in acts)
    assert store.model("m", version=2).version == bad
    with pytest.raises(alula.NotFound):
        store.model("none", stage="production")
    with pytest.raises(alula.NotFound):
        store.model("m", version=99)


def test_a_training_set_as_of_the_past_hides_what_came_later(own_server: Server) -> None:
    store = own_server.connect("models")
    store.apply(MODELS)
    event = dt.datetime(2024, 1, 1)
    store.push("v", {"k": [1], "event_time": [event], "x": [1.0]})
    spine = {"k": [1], "event_time": [dt.datetime(2024, 2, 1)], "amount": [0]}
    before = store.training_set("s", spine)
    store.push("v", {"k": [1], "event_time": [event + dt.timedelta(days=1)], "x": [2.0]})
    assert store.training_set("s", spine).to_arrow()["x"].to_pylist() == [2.0]
    for point in (before, before.id, before.log_entry):
        again = store.training_set("s", spine, as_of=point)
        assert again.to_arrow()["x"].to_pylist() == [1.0] and again.digest == before.digest
    known = store.training_set("s", spine, as_known=True)
    assert known.to_arrow()["x"].to_pylist() == [None]
    assert store.get_training_set(before.id).digest == before.digest
    assert {record.id for record in store.training_sets()} >= {before.id, known.id}


def test_many_threads_read_and_write_at_once(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    now = dt.datetime.now(UTC)
    failures: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for turn in range(20):
                rows = {"k": [f"t{me}"], "n": [turn], "event_time": [now], "x": [float(turn)]}
                assert store.push("v", rows).accepted == 1
                assert store.read("s", {"k": [f"t{me}"], "n": [turn]}).column("x")[0] == turn
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures


def test_a_second_server_on_the_same_directory_is_refused(own_server: Server) -> None:
    second = subprocess.run(
        [BINARY, "serve", "--data", str(own_server.directory), "--listen", "127.0.0.1:0",
         "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert second.returncode != 0 and str(own_server.directory) in second.stdout + second.stderr


CREDIT = """
project: credit
entities:
  - {name: person, keys: {dob_ssn: string}}
  - {name: place, keys: {zipcode: int64}}
views:
  - name: credit_history
    entity: person
    features:
      {credit_card_due: int64, mortgage_due: int64, student_loan_due: int64, vehicle_loan_due: int64,
       hard_pulls: int64, missed_payments_2y: int64, missed_payments_1y: int64,
       missed_payments_6m: int64, bankruptcies: int64}
    columns: {event_time: event_timestamp, created_time: created_timestamp}
  - name: zipcodes
    entity: place
    features:
      {city: string, state: string, location_type: string, tax_returns_filed: int64,
       population: int64, total_wages: int64}
    columns: {event_time: event_timestamp, created_time: created_timestamp}
services:
  - name: credit
    features: ["credit_history:*", "zipcodes:*"]
    request: {loan_amnt: int64}
"""


def as_of_join(loans: pd.DataFrame, view: pd.DataFrame, key: str, features: list[str]) -> pd.DataFrame:
    """The features for every loan in its order, by pandas."""
    left = loans[[key, "event_timestamp"]].reset_index().sort_values("event_timestamp", kind="stable")
    right = view[[key, "event_timestamp", *features]].sort_values("event_timestamp", kind="stable")
    joined = pd.merge_asof(left, right, on="event_timestamp", by=key)
    return joined.set_index("index").sort_index()[features]


@needs_data
def test_credit_equals_merge_asof_and_online_equals_offline(server: Server) -> None:
    store = server.connect("credit")
    store.apply(CREDIT)
    loaded = store.load("credit_history", DATA / "credit" / "credit_history.csv", progress=False)
    assert loaded.rows == 1_000 and loaded.materialized == 1_000
    assert store.load("zipcodes", DATA / "credit" / "zipcodes.parquet", progress=False).rows == 28_844
    path = DATA / "credit" / "loans.parquet"
    train = store.training_set("credit", path, event_time="event_timestamp", label="loan_status")
    loans = pd.read_parquet(path)
    people = pd.read_csv(DATA / "credit" / "credit_history.csv", parse_dates=["event_timestamp"])
    people["event_timestamp"] = people["event_timestamp"].dt.tz_localize("UTC").astype("datetime64[us, UTC]")
    places = pd.read_parquet(DATA / "credit" / "zipcodes.parquet")
    history = [f.name for f in next(v for v in store.views() if v.name == "credit_history").features]
    place = ["city", "state", "location_type", "tax_returns_filed", "population", "total_wages"]
    expected = pd.concat(
        [loans, as_of_join(loans, people, "dob_ssn", history), as_of_join(loans, places, "zipcode", place)],
        axis=1,
    )
    got = train.to_pandas()
    assert len(got) == 28_638 and got.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_frame_equal(got, expected, check_dtype=False)
    table = train.to_arrow()
    assert table.schema.field("population").type == pa.int64()
    assert table.schema.field("city").type == pa.string()
    assert table["mortgage_due"].null_count == int(expected["mortgage_due"].isna().sum()) > 27_000
    assert train.y.tolist() == loans["loan_status"].tolist()
    assert store.training_set("credit", loans, event_time="event_timestamp", label="loan_status").digest == (
        train.digest
    )
    assert store.get_training_set(train.id).digest == train.digest

    now = loans.assign(event_timestamp=pd.Timestamp.now("UTC").as_unit("us"))
    offline = store.training_set("credit", now, event_time="event_timestamp").to_arrow()
    answer = store.read(
        "credit", {"dob_ssn": loans["dob_ssn"], "zipcode": loans["zipcode"]}, {"loan_amnt": loans["loan_amnt"]}
    )
    assert answer.columns == train.feature_columns
    assert answer.to_arrow().equals(offline.select(answer.columns))


DRIVERS = """
project: drivers
entities:
  - {name: driver, keys: {driver_id: int64}}
views:
  - name: stats
    entity: driver
    features: {conv_rate: float32, acc_rate: float32, avg_daily_trips: int32}
    columns: {event_time: event_timestamp, created_time: created}
services:
  - {name: d, features: ["stats:*"]}
"""


@needs_data
def test_the_three_rows_of_one_driver_and_hour_resolve_by_created_time(server: Server) -> None:
    store = server.connect("drivers")
    store.apply(DRIVERS)
    path = DATA / "drivers" / "driver_stats.parquet"
    assert store.load("stats", path, progress=False).rows == 1_807
    rows = pd.read_parquet(path)
    counts = rows.groupby(["driver_id", "event_timestamp"]).size()
    driver, hour = counts[counts == 3].index[0]
    features = ["conv_rate", "acc_rate", "avg_daily_trips"]
    three = rows[(rows.driver_id == driver) & (rows.event_timestamp == hour)]
    newest = three.loc[three["created"].idxmax()]
    train = store.training_set("d", {"driver_id": [driver], "event_timestamp": [hour]})
    assert train.to_arrow().select(features).to_pylist() == [{n: newest[n] for n in features}]
    history = store.history("stats", {"driver_id": driver})
    assert (history["@event_time"] == hour).sum() == 3
    spine = rows[["driver_id", "event_timestamp"]].sample(frac=1, random_state=3).reset_index(drop=True)
    best = rows.sort_values(["event_timestamp", "created"], kind="stable").drop_duplicates(
        ["driver_id", "event_timestamp"], keep="last"
    )
    expected = spine.merge(best, on=["driver_id", "event_timestamp"], how="left")[features]
    got = store.training_set("d", spine).to_pandas()[features]
    pd.testing.assert_frame_equal(got, expected, check_dtype=True)
