"""Forgetting an entity: gone from every answer at once, and from every file of the data directory."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: forgetting
entities:
  - {name: person, keys: {id: string}}
  - {name: account, keys: {number: int64}}
  - {name: visit, keys: {shop: string, customer: int64}}
views:
  - {name: habits, entity: person, features: {note: string, score: int64, ratio: float64}}
  - {name: places, entity: person, features: {town: string}}
  - {name: accounts, entity: account, features: {iban: string, balance: int64}}
  - {name: visits, entity: visit, features: {spent: int64}}
services:
  - {name: s, features: ["habits:*", "places:*", "accounts:*"]}
  - {name: flows, features: [{view: accounts, as: source, keys: {number: giver}},
                             {view: accounts, as: target, keys: {number: taker}}]}
"""
HOUR = 3_600_000_000
WHO, NUMBER = "zoe-quixote-77310", 0x1B2D_77AF_C3E5_9188
NOTE, TOWN, IBAN = (
    "the-note-nobody-else-has-5512",
    "Llanfairpwllgwyngyll-9931",
    "XK05-1212-0123-4567-8906",
)
SCORE, BALANCE = 0x0A1B_2C3D_4E5F_6071, 0x1122_7788_44CC_99EE


def times(hours: Any) -> Any:
    return (np.asarray(hours) * HOUR).astype("M8[us]")


def texts(*values: str) -> list[bytes]:
    return [value.encode() for value in values]


def numbers(*values: int) -> list[bytes]:
    """As 8 bytes in both orders, as sortable keys (sign flipped), and in digits."""
    found = []
    for value in values:
        found += [struct.pack("<q", value), struct.pack(">q", value), str(value).encode()]
        found.append((value ^ -(2**63) & (2**64 - 1)).to_bytes(8, "big"))
    return found


def where(directory: Path, secrets: list[bytes]) -> dict[bytes, list[str]]:
    """Files (and file names) of the directory that hold the bytes."""
    found: dict[bytes, list[str]] = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        content = path.read_bytes() if path.is_file() else b""
        for secret in secrets:
            if secret in content or secret in name.encode():
                found.setdefault(secret, []).append(name)
    return found


def fill(store: alula.Store, directory: Path) -> alula.TrainingSet:
    """Rows of the two everywhere that rows can be: pushed, imported, staged, online, in spines."""
    store.apply(DEFINITIONS)
    people = [f"person-{number}" for number in range(300)]
    people[150] = WHO
    frame = pd.DataFrame(
        {
            "id": people * 4,
            "event_time": times(np.repeat([1, 2, 3, 4], 300)),
            "note": [NOTE if who == WHO else f"note of {who}" for who in people] * 4,
            "score": [SCORE if who == WHO else row for row, who in enumerate(people)] * 4,
            "ratio": 0.5,
        }
    )
    store.load("habits", frame, progress=False)
    for hour in (5, 6):
        store.push("habits", frame.iloc[:300].assign(event_time=times([hour] * 300)))
    store.push(
        "places", {"id": [WHO, "person-1"], "event_time": times([1, 1]), "town": [TOWN, "Rome"]}
    )
    store.push(
        "accounts",
        {"number": [NUMBER, 5], "event_time": times([1, 2]), "iban": [IBAN, "none"], "balance": [BALANCE, 3]},
    )  # fmt: skip
    spine = {
        "id": [WHO, "person-1", None, WHO] * 5, "number": [NUMBER, 5, NUMBER, None] * 5,
        "event_time": times(range(2, 22)), "remark": [f"about {WHO}", "x", "y", f"{WHO} again"] * 5,
    }  # fmt: skip
    made = store.training_set("s", spine)
    assert made.to_arrow()["note"].to_pylist()[0] == NOTE
    # An import that is not published: its last row cannot be taken.
    staged = pd.concat([frame] * 40, ignore_index=True)
    staged["score"] = staged["score"].astype(str)
    staged.loc[len(staged) - 1, "score"] = "many"
    staged.to_csv(directory / "staged.csv", index=False)
    with pytest.raises(alula.InvalidArgument):
        store.load("habits", directory / "staged.csv", progress=False)
    return made


def everything(store: alula.Store) -> dict[str, Any]:
    """All answers about others."""
    others = {"id": ["person-1", "person-149", "person-151"], "number": [5, 5, 5]}
    return {
        "read": store.read("s", others).to_arrow().to_pylist(),
        "history": store.history("habits", {"id": "person-149"}).drop(columns="@log_row").to_dict(),
        "exported": store.export("habits").read_all().num_rows,
    }


PERSON = texts(WHO, NOTE, TOWN) + numbers(SCORE)
ACCOUNT = texts(IBAN) + numbers(NUMBER, BALANCE)


def test_a_forgotten_entity_is_gone_from_answers_and_from_every_file(
    own_server: Server, tmp_path: Path
) -> None:
    data = own_server.directory
    with own_server.connect() as store:
        made = fill(store, tmp_path)
        before = everything(store)
        assert set(texts(WHO, NOTE, TOWN)) <= set(where(data, PERSON)), (
            "the search finds what is there"
        )
        planned = store.forget("person", {"id": WHO}, dry_run=True, progress=False)
        assert planned.log_entry == 0 and planned.spine_rows == 10
        counts = {v.view: (v.history_rows, v.online_rows) for v in planned.views}
        assert counts == {"habits": (6, 1), "places": (1, 1)}
        assert len(store.history("habits", {"id": WHO})) == 6, "a dry run changes nothing"

        done = store.forget("person", {"id": WHO}, progress=False)
        assert done.log_entry > 0 and done.views == planned.views and done.spine_rows == 10
        assert done.training_sets == [made.id] and done.out_of_reach
        found = where(data, PERSON)
        assert not found, f"left in the files: {found}"
        for as_of in (None, made, 1, done.log_entry - 1):
            assert store.history("habits", {"id": WHO}, as_of=as_of).empty
        assert store.export("habits", as_of=made).read_all()["id"].to_pylist().count(WHO) == 0
        served = store.read("s", {"id": [WHO], "number": [5]})
        assert served.to_arrow()["note"].to_pylist() == [None]
        assert everything(store) == {**before, "exported": before["exported"] - 6}
        with pytest.raises(alula.Incomplete):
            store.get_training_set(made.id)

        again = store.forget("person", {"id": WHO}, progress=False)
        assert all(v.history_rows == 0 and v.online_rows == 0 for v in again.views)
        store.forget("account", {"number": NUMBER}, progress=False)
        assert not where(data, ACCOUNT)
        assert store.verify(progress=False)
    assert own_server.stop() == 0
    assert not where(data, PERSON + ACCOUNT)
    own_server.start()
    with own_server.connect("forgetting") as store:
        assert store.history("habits", {"id": WHO}).empty and not where(data, PERSON + ACCOUNT)
        assert everything(store) == {**before, "exported": before["exported"] - 6}
        store.push("habits", {"id": WHO, "event_time": times(3), "note": "back", "score": 1})
        assert store.history("habits", {"id": WHO})["note"].tolist() == ["back"]
        assert store.read("s", {"id": [WHO], "number": [5]}).to_arrow()["note"].to_pylist() == [
            "back"
        ]


def test_what_is_forgotten_in_one_role_is_forgotten_in_all(own_server: Server) -> None:
    data = own_server.directory
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        store.push(
            "accounts",
            {"number": [NUMBER, 5], "event_time": times([1, 1]), "iban": [IBAN, "none"], "balance": [1, 2]},
        )  # fmt: skip
        spine = {
            "giver": [NUMBER, 5, 5], "taker": [5, NUMBER, 5], "event_time": times([2, 2, 2]),
            "remark": ["given-by-8812", "taken-by-8813", "kept"],
        }  # fmt: skip
        made = store.training_set("flows", spine)
        done = store.forget("account", {"number": NUMBER}, progress=False)
        assert done.spine_rows == 2 and done.training_sets == [made.id]
        assert not where(data, texts(IBAN, "given-by-8812", "taken-by-8813") + numbers(NUMBER))
        left = store.get_training_set(made.id, incomplete=True).to_arrow()
        assert left["remark"].to_pylist() == [None, None, "kept"]
        assert left["source__balance"].to_pylist() == [None, None, 2]


def test_a_part_of_a_composite_key_is_not_the_key(own_server: Server) -> None:
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        keys = {"shop": ["1", "11", "1"], "customer": [12, 2, 2]}
        store.push("visits", {**keys, "event_time": times([1, 1, 1]), "spent": [1, 2, 3]})
        store.forget("visit", {"shop": "1", "customer": 12}, progress=False)
        left = store.export("visits").read_all()
        assert sorted(left["spent"].to_pylist()) == [2, 3]
        for entity, key, error in (
            ("visitor", {"shop": "1"}, alula.NotFound),
            ("visit", {"shop": "1"}, alula.InvalidArgument),
            ("visit", {"shop": "1", "customer": None}, alula.InvalidArgument),
            ("visit", {"shop": "1", "customer": "x"}, alula.InvalidArgument),
            ("visit", {"shop": "1", "customer": 2, "more": 1}, alula.InvalidArgument),
        ):
            with pytest.raises(error):
                store.forget(entity, key)
        assert sorted(store.export("visits").read_all()["spent"].to_pylist()) == [2, 3]


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.06, 0.15])
def test_what_was_begun_is_finished_after_a_kill(
    own_server: Server, tmp_path: Path, delay: float
) -> None:
    """The next start finishes what was begun, unasked, in the files too."""
    data = own_server.directory
    with own_server.connect() as store:
        fill(store, tmp_path)
    with own_server.connect("forgetting") as store:
        killer = threading.Timer(delay, own_server.kill)
        killer.start()
        with pytest.raises(alula.Unavailable):
            store.forget("person", {"id": WHO}, progress=False)
            killer.join()
            store.status()
    own_server.start()
    with own_server.connect("forgetting") as store:
        if store.history("habits", {"id": WHO}).empty:
            until = time.monotonic() + 60
            while where(data, PERSON) and time.monotonic() < until:
                time.sleep(0.2)
        else:
            store.forget("person", {"id": WHO}, progress=False)
        assert not where(data, PERSON)
        assert store.verify(progress=False)
