"""`alula on`: every event gets its command, in order, whatever is killed in the middle."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shlex
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from server_process import Server, needs_server
from test_releases import versions
from waiting import wait_until

import alula

pytestmark = needs_server

#: Adds the event's id to a file.
NOTE = 'echo "$ALULA_EVENT_ID" >> ids'


def alive(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


class Followers:
    """Starts followers in a directory; ends those that are left."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.alula = CommandLine(server, directory)
        self.directory = directory
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, event: str, *options: object, script: str = NOTE, state: str = "state.json"
    ) -> subprocess.Popen[str]:
        """A follower that stands: what happens from now on is its."""
        said = self.directory / f"said-{len(self.started)}"
        with said.open("w") as file:
            follower = subprocess.Popen(
                self.alula.words("on", event, "--state", state, "--json", *options,
                                 "--", "sh", "-c", script),
                stdout=subprocess.PIPE, stderr=file, text=True, cwd=self.directory,
                env=self.alula.environment,
            )  # fmt: skip
        self.started.append(follower)
        wait_until(lambda: "following behind" in said.read_text() or follower.poll() is not None)
        assert "following behind" in said.read_text(), said.read_text()
        return follower

    def stop(self, follower: subprocess.Popen[str]) -> list[dict[str, Any]]:
        """What it printed."""
        follower.send_signal(signal.SIGTERM)
        out, _ = follower.communicate(timeout=30)
        assert follower.returncode == 0
        return [json.loads(line) for line in out.splitlines()]

    def ids(self, name: str = "ids") -> list[int]:
        """What commands have noted."""
        try:
            return [int(line) for line in (self.directory / name).read_text().splitlines()]
        except FileNotFoundError:
            return []

    def state(self, name: str = "state.json") -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.directory / name).read_text())
        return state


@pytest.fixture
def followers(own_server: Server, tmp_path: Path) -> Iterator[Followers]:
    directory = tmp_path / "work"
    directory.mkdir()
    made = Followers(own_server, directory)
    yield made
    for follower in made.started:
        if follower.poll() is None:
            follower.kill()
            follower.wait(20)


def told(server: Server) -> list[dict[str, Any]]:
    """All events there are, by another way."""
    database = sqlite3.connect(server.directory / "catalog.sqlite")
    try:
        found = database.execute("SELECT revision, kind, model, stage FROM registry_event")
        return [dict(zip(("id", "kind", "model", "stage"), row)) for row in found]
    finally:
        database.close()


def test_every_kind_of_event_in_order_with_its_fields(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    store.apply("project: p")
    script = f'{NOTE}; cat > "$ALULA_EVENT_ID.json"; env | grep ALULA_ > "$ALULA_EVENT_ID.env"'
    follower = followers.start("*", "--after", 0, "--project", "p", script=script)
    versions(store, tmp_path, 2)
    with pytest.raises(alula.Refused):
        store.promote("m", 1, "production")
    assert store.promote("m", 1, "canary").passed
    store.reproduce("m", 1)
    assert store.promote("m", 1, "production").passed
    store.set_alias("m", "champion", 1)
    events = told(own_server)
    wait_until(lambda: len(followers.ids()) == len(events))
    printed = followers.stop(follower)
    assert followers.ids() == [event["id"] for event in events]
    assert [line["id"] for line in printed] == followers.ids()
    assert {line["outcome"] for line in printed} == {"succeeded"}
    names = [line["event"] for line in printed]
    assert names == [
        "import.published", "version.registered", "version.registered", "gate.refused",
        "stage.promoted", "gate.passed", "stage.left", "stage.promoted", "alias.set",
    ]  # fmt: skip
    texts = [json.loads((followers.directory / f"{i}.json").read_text()) for i in followers.ids()]
    assert [text["event"] for text in texts] == names
    first, refused, last = texts[0], texts[3], texts[7]
    assert (first["view"], first["model"], first["version"]) == ("v", None, None)
    assert first["subject"].startswith("import-") and first["detail"].startswith("2 rows")
    assert (refused["model"], refused["version"], refused["stage"]) == ("m", 1, "production")
    assert "training set" in refused["detail"] or "reproducible" in refused["detail"]
    assert (last["stage"], last["other"], last["by"]) == ("production", "canary", "local")
    variables = dict(
        line.split("=", 1)
        for line in (followers.directory / f"{last['id']}.env").read_text().splitlines()
    )
    assert variables["ALULA_EVENT_NAME"] == "stage.promoted"
    assert variables["ALULA_EVENT_MODEL"] == "m" and variables["ALULA_EVENT_VERSION"] == "1"
    assert variables["ALULA_EVENT_STAGE"] == "production"
    assert variables["ALULA_EVENT_TRY"] == "1" and variables["ALULA_EVENT_PROJECT"] == "p"
    seen = []
    with store.watch(after=0) as watch:
        for event in watch:
            seen.append(event)
            if len(seen) == len(events):
                break
    assert [event.name for event in seen] == names
    assert (seen[0].view, seen[0].subject, seen[0].model) == ("v", first["subject"], "")
    assert seen[3].detail == refused["detail"] and seen[3].kind == "gate refused"


def test_again_until_it_succeeds_and_then_the_next(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    script = f'{NOTE}; [ "$ALULA_EVENT_TRY" -ge 3 ] || exit 7'
    follower = followers.start("alias.set", "--pause", "20ms", script=script)
    store.set_alias("m", "a", 1)
    store.set_alias("m", "b", 1)
    wait_until(lambda: len(followers.ids()) == 6)
    wait_until(lambda: followers.state()["revision"] == 4)
    printed = followers.stop(follower)
    assert followers.ids() == [3, 3, 3, 4, 4, 4]
    assert [(line["try"], line["outcome"], line["code"]) for line in printed] == [
        (1, "failed", 7), (2, "failed", 7), (3, "succeeded", 0),
    ] * 2  # fmt: skip
    assert followers.state()["given_up"] == 0


def test_a_command_that_only_fails_is_given_up_or_stops_everything(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    script = f'{NOTE}; [ "$ALULA_EVENT_ALIAS" != bad ]'
    follower = followers.start("alias.set", "--retries", 2, "--pause", "10ms", script=script)
    for alias in ("good", "bad", "fine"):
        store.set_alias("m", alias, 1)
    wait_until(lambda: followers.state()["revision"] == 5)
    printed = followers.stop(follower)
    assert followers.ids() == [3, 4, 4, 4, 5]
    assert [line["outcome"] for line in printed] == [
        "succeeded", "failed", "failed", "failed", "given up", "succeeded",
    ]  # fmt: skip
    assert followers.state()["given_up"] == 1
    for _ in range(2):
        strict = followers.start(
            "alias.set", "--after", 3, "--retries", 1, "--pause", "10ms", "--stop-on-failure",
            script='echo "$ALULA_EVENT_ID" >> strict; [ "$ALULA_EVENT_ALIAS" != bad ]',
            state="strict.json",
        )  # fmt: skip
        assert strict.wait(30) == 1
    assert followers.ids("strict") == [4, 4, 4, 4]
    assert followers.state("strict.json")["revision"] == 3


def test_a_follower_killed_in_the_middle_of_a_command_runs_it_again(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    script = f"{NOTE}; echo $$ >> pids; [ -e go ] || sleep 600; echo done >> done"
    follower = followers.start("alias.set", script=script)
    store.set_alias("m", "a", 1)
    store.set_alias("m", "b", 1)
    wait_until(lambda: len(followers.ids("pids")) == 1)
    left = followers.ids("pids")[0]
    follower.kill()
    follower.wait(20)
    assert alive(left) and followers.state()["revision"] < 3
    (followers.directory / "go").touch()
    again = followers.start("alias.set", script=script)
    assert not alive(left), "two at once"
    wait_until(lambda: followers.state()["revision"] == 4)
    followers.stop(again)
    assert followers.ids() == [3, 3, 4]
    assert (followers.directory / "done").read_text().split() == ["done", "done"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_or_skipped_where_follower_and_server_are_killed(
    own_server: Server, followers: Followers, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    follower = followers.start("alias.*", script=f"sleep 0.02; {NOTE}")
    count = 0
    for _ in range(6):
        for _ in range(draw.randrange(1, 8)):
            store.set_alias("m", f"a{count}", 1)
            count += 1
        time.sleep(draw.random() * 0.2)
        if draw.random() < 0.6:
            follower.kill()
            follower.wait(20)
        if draw.random() < 0.5:
            own_server.kill()
            own_server.start()
            store = own_server.connect("p")
        if follower.poll() is not None:
            follower = followers.start("alias.*", script=f"sleep 0.02; {NOTE}")
    expected = list(range(3, 3 + count))
    wait_until(lambda: followers.state()["revision"] == expected[-1])
    followers.stop(follower)
    found = followers.ids()
    assert sorted(set(found)) == expected
    # In order; what comes twice is the one that was running when the follower was killed.
    assert list(dict.fromkeys(found)) == expected and found == sorted(found)
    assert len(found) - len(expected) <= len(followers.started)


def test_a_restart_of_the_server_leaves_no_gap_and_repeats_nothing(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    follower = followers.start("alias.set")
    for number in range(4):
        store.set_alias("m", f"a{number}", 1)
        (own_server.kill if number % 2 else own_server.stop)()
        time.sleep(0.3)
        own_server.start()
        store = own_server.connect("p")
        store.set_alias("m", f"b{number}", 1)
    wait_until(lambda: followers.state()["revision"] == 10)
    followers.stop(follower)
    assert followers.ids() == list(range(3, 11))


def test_a_command_that_hangs_is_ended_with_its_group(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    script = (
        f'{NOTE}; [ "$ALULA_EVENT_TRY" = 2 ] && exit 0; sleep 600 & echo $! >> pids; '
        "echo $$ >> pids; wait"
    )
    follower = followers.start("alias.set", "--timeout", "700ms", "--pause", "10ms", script=script)
    store.set_alias("m", "a", 1)
    wait_until(lambda: followers.state()["revision"] == 3)
    printed = followers.stop(follower)
    assert [line["outcome"] for line in printed] == ["timed out", "succeeded"]
    hung = followers.ids("pids")
    assert len(hung) == 2
    wait_until(lambda: not any(map(alive, hung)))


def test_what_left_its_group_does_not_run_beside_the_next_try(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    script = (
        f'{NOTE}; [ "$ALULA_EVENT_TRY" = 2 ] && exit 0; '
        "setsid sh -c 'echo $$ >> pids; sleep 600' & sleep 0.3; exit 1"
    )
    follower = followers.start("alias.set", "--pause", "50ms", script=script)
    store.set_alias("m", "a", 1)
    wait_until(lambda: followers.state()["revision"] == 3)
    printed = followers.stop(follower)
    assert [line["outcome"] for line in printed] == ["failed", "succeeded"]
    (left,) = followers.ids("pids")
    assert not alive(left)


@pytest.mark.parametrize("seed", [4, 5])
def test_no_alarm_is_lost_or_told_twice_where_both_are_killed(
    own_server: Server, followers: Followers, seed: int
) -> None:
    draw = random.Random(seed)
    store = own_server.connect("p")
    store.apply(
        "project: p\nentities: [{name: e, keys: {k: int64}}]\n"
        "views: [{name: v, entity: e, features: {x: float64}}]\n"
        "monitors: [{name: late, view: v, what: freshness, threshold: 2s, every: 1s}]"
    )
    script = f"sleep 0.02; {NOTE}"
    follower = followers.start("monitor.*", "--after", 0, "--project", "p", script=script)
    kinds: list[str] = []

    def push() -> None:
        now = dt.datetime.now(dt.timezone.utc)
        own_server.connect("p").push("v", {"k": [1], "event_time": [now], "x": [0.5]})

    def changed() -> bool:
        if len(kinds) % 2:
            push()  # as long as it fires
            time.sleep(0.2)
        return len(told(own_server)) > len(kinds)

    push()
    for _ in range(5):
        for _ in range(draw.randrange(3)):
            time.sleep(draw.random())
            own_server.kill()
            own_server.start()
        if draw.random() < 0.6:
            follower.kill()
            follower.wait(20)
            follower = followers.start("monitor.*", script=script)
        wait_until(changed)
        kinds = [event["kind"] for event in told(own_server)]
    # Alarms begin and end in turns.
    assert kinds == ["monitor firing", "monitor resolved"] * (len(kinds) // 2) + (
        ["monitor firing"] * (len(kinds) % 2)
    )
    expected = [event["id"] for event in told(own_server)]
    wait_until(lambda: followers.ids()[-1:] == expected[-1:])
    followers.stop(follower)
    assert list(dict.fromkeys(followers.ids())) == expected


def test_a_second_follower_of_one_state_is_refused(
    own_server: Server, followers: Followers
) -> None:
    own_server.connect("p").apply("project: p")
    first = followers.start("*")
    error = followers.alula.error("on", "*", "--state", "state.json", "--", "true")
    assert "another alula on" in error and "state.json" in error
    other = followers.start("*", state="other.json")
    followers.stop(first)
    followers.stop(other)
    followers.stop(followers.start("*"))


def test_filters_by_model_stage_project_and_name(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 2)
    with store.run("e") as run:
        run.register("other", [tmp_path / "model.onnx"])
    own_server.connect("q").apply("project: q")
    filters: dict[str, tuple[str, list[str]]] = {
        "model": ("*", ["--model", "other"]), "stage": ("stage.*", ["--stage", "staging"]),
        "name": ("alias.set,*.left", []), "project": ("*", ["--project", "q"]),
    }  # fmt: skip
    running = [
        followers.start(
            event, "--after", 0, *([] if name == "project" else ["--project", "p"]), *words,
            state=f"{name}.json", script=f'echo "$ALULA_EVENT_ID" >> {name}',
        )
        for name, (event, words) in filters.items()
    ]  # fmt: skip
    store.promote("m", 1, "staging")
    store.promote("other", 1, "staging")
    store.promote("m", 2, "staging")
    store.set_alias("m", "a", 1)
    events = told(own_server)
    newest = events[-1]["id"]
    for name in filters:
        wait_until(lambda name=name: followers.state(f"{name}.json")["revision"] == newest)  # type: ignore[misc]
    for follower in running:
        followers.stop(follower)
    expected = {
        "model": [e["id"] for e in events if e["model"] == "other"],
        "stage": [
            e["id"] for e in events
            if e["stage"] == "staging" and e["kind"] in ("promoted", "left", "rolled back")
        ],
        "name": [e["id"] for e in events if e["kind"] in ("alias set", "left")],
        "project": [],
    }  # fmt: skip
    assert {name: followers.ids(name) for name in filters} == expected
    assert all(expected[name] for name in ("model", "stage", "name"))


def test_wrong_words_are_refused_with_what_there_is(
    own_server: Server, followers: Followers
) -> None:
    command = followers.alula
    for event in ("stage.moved", "monitors.firing", "promoted", ""):
        error = command.error("on", event, "--state", "s", "--", "true")
        assert "there is no event" in error and "stage.rolled_back" in error
    assert "no command" in command.error("on", "*", "--state", "s", code=2)
    assert "no program" in command.error("on", "*", "--state", "s", "--", "no-such-program")
    assert "--timeout" in command.error("on", "*", "--timeout", "soon", "--", "true", code=2)
    assert "[default: 1d]" in command("on", "--help").replace("(default: 1d)", "[default: 1d]")
    assert not (followers.directory / "s").exists()
    assert "nothing is defined" in command.error("on", "*", "--state", "s", "--", "true")
    own_server.connect("p").apply("project: p")
    behind = command.error("on", "*", "--state", "s", "--after", 99, "--", "true")
    assert "there is no revision 99 yet" in behind
    (followers.directory / "broken").write_text("not a state")
    assert "is not the state" in command.error("on", "*", "--state", "broken", "--", "true")


def test_sigterm_waits_for_the_command_or_ends_it(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    script = f"{NOTE}; [ -e go ] || while [ ! -e go ]; do sleep 0.05; done; echo done >> done"
    follower = followers.start("alias.set", script=script)
    store.set_alias("m", "a", 1)
    wait_until(lambda: len(followers.ids()) == 1)
    follower.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        follower.wait(0.5)
    (followers.directory / "go").touch()
    assert follower.wait(20) == 0 and followers.state()["revision"] == 3
    (followers.directory / "go").unlink()
    store.set_alias("m", "b", 1)
    hasty = followers.start("alias.set", "--now", script=script)
    wait_until(lambda: len(followers.ids()) == 2)
    assert [line["outcome"] for line in followers.stop(hasty)] == ["stopped"]
    assert followers.state()["revision"] == 3
    (followers.directory / "go").touch()
    last = followers.start("alias.set", script=script)
    wait_until(lambda: followers.state()["revision"] == 4)
    followers.stop(last)
    assert followers.ids() == [3, 4, 4]
    assert (followers.directory / "done").read_text().split() == ["done", "done"]


def test_without_a_state_file_one_is_made_for_the_words(
    own_server: Server, followers: Followers, tmp_path: Path
) -> None:
    own_server.connect("p").apply("project: p")
    home = tmp_path / "states"
    environment = followers.alula.environment | {"XDG_STATE_HOME": str(home)}

    def once(command: str) -> str:
        process = subprocess.Popen(
            followers.alula.words("on", "*", "--after", 0, "--", *shlex.split(command)),
            stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        return line.rsplit(" ", 1)[1].strip()

    first = once("true one")
    assert first.startswith(f"{home}/alula/on-") and os.stat(first).st_mode & 0o777 == 0o600
    assert once("true one") == first != once("true two")


def test_a_publication_that_was_not_told_of_is_when_the_server_starts(
    own_server: Server, followers: Followers
) -> None:
    store = own_server.connect("p")
    store.apply(
        "project: p\nentities: [{name: e, keys: {k: int64}}]\n"
        "views: [{name: v, entity: e, features: {x: float64}}]"
    )
    command = followers.alula
    file = command.file("rows.csv", "k,event_time,x\n1,2024-01-01T00:00:00Z,0.5\n")
    published = [command.json("import", "v", file)["import"]]
    command.json("import", "v", file)  # which says that it is there already
    published.append(command.json("import", "v", file, "--again")["import"])
    assert len(told(own_server)) == 2
    own_server.kill()
    # As if the server had been killed between the publication and its event.
    database = sqlite3.connect(own_server.directory / "catalog.sqlite")
    database.execute("DROP TRIGGER registry_event_remains")
    assert database.execute("DELETE FROM registry_event WHERE revision = 2").rowcount == 1
    database.commit()
    database.close()
    own_server.start()
    follower = followers.start("import.*", "--after", 0, script='echo "$ALULA_EVENT_SUBJECT" >> in')
    wait_until(lambda: followers.state()["revision"] == 2)
    followers.stop(follower)
    assert (followers.directory / "in").read_text().split() == published
    own_server.stop()
    own_server.start()
    assert len(told(own_server)) == 2
