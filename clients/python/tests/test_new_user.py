"""What somebody meets who comes from another store: other shapes of keys, times that are numbers,
files that are wrong, ports and directories that are taken.
"""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from command_line import CommandLine
from server_process import BINARY, DidNotStart, Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: trial
entities: [{name: pair, keys: {k: string, n: int64}}]
views:
  - {name: v, entity: pair, features: {x: int64}}
  - {name: w, entity: pair, lookback: 90d, features: {y: timestamp}}
services: [{name: s, features: ["v:x"], request: {amount: float64}}, {name: t, features: ["w:y"]}]
"""
AT = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)


@pytest.fixture(scope="module")
def cli(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    run = CommandLine(server, tmp_path_factory.mktemp("words"))
    run.file("definitions.yaml", "\ufeff" + DEFINITIONS)
    run("apply", "definitions.yaml")
    yield run


@pytest.fixture(scope="module")
def store(cli: CommandLine) -> Iterator[alula.Store]:
    with cli.server.connect() as store:
        yield store


def test_keys_are_taken_as_a_frame_a_table_or_rows(store: alula.Store) -> None:
    keys = {"k": ["a", "b"], "n": [1, 2]}
    store.push("v", {**keys, "event_time": [AT, AT], "x": [10, 20]}).raise_for_problems()
    rows = [{"k": "a", "n": 1}, {"k": "b", "n": 2}]
    for given in (keys, pd.DataFrame(keys), pa.table(keys), rows, tuple(rows)):
        answer = store.read("s", given, request={"amount": 1.5})
        assert answer.to_numpy().tolist() == [[10, 1.5], [20, 1.5]], type(given)
        batches = list(store.read_batches("s", given, request={"amount": 1.5}))
        assert np.concatenate([batch.to_numpy() for batch in batches]).tolist() == [
            [10, 1.5], [20, 1.5],
        ]  # fmt: skip
    whole = pd.DataFrame({**keys, "amount": [1.0, 2.0]})
    assert store.read("s", whole).to_numpy()[:, 1].tolist() == [1, 2], "request fields beside them"
    with pytest.raises(alula.InvalidArgument, match='takes no "z"'):
        store.read("s", whole.assign(z=1))
    with pytest.raises(alula.InvalidArgument, match="needs 1 more input\n"):
        store.read("s", pd.DataFrame(keys))
    with pytest.raises(alula.InvalidArgument, match="int is not data that is taken"):
        store.read("s", 5)  # type: ignore[arg-type]
    with pytest.raises(alula.InvalidArgument, match="a key is null"):
        store.read("s", whole.assign(n=pd.array([1, None], dtype="Int64")))


def test_pushing_no_rows_is_no_mistake(store: alula.Store) -> None:
    nothing = store.push("v", [])
    assert len(nothing) == 0 and nothing.accepted == 0
    nothing.raise_for_problems()


def test_a_table_of_a_million_columns_is_refused_at_once(store: alula.Store) -> None:
    """It was looked at for two minutes, and all of its names were told."""
    wide = {f"c{number}": [1] for number in range(1_000_000)}
    with pytest.raises(alula.InvalidArgument, match="there are 1,000,000 columns: at most 65,536"):
        store.push("v", wide)
    some = {f"c{number}": [1] for number in range(100)}
    with pytest.raises(alula.InvalidArgument, match=", c49 and 50 more$"):
        store.push("v", some)


def test_a_lookback_reads_as_it_is_defined(store: alula.Store) -> None:
    told = store.explain("t", {"k": "a", "n": 1, "event_time": AT})
    assert "looking back 90d" in str(told)


@pytest.mark.parametrize(
    ("unit", "number"),
    [("s", "1598387681"), ("ms", "1598387681000"), ("us", "1598387681000000"),
     ("ns", "1598387681000000000")],
)  # fmt: skip
def test_times_that_are_numbers_are_refused_until_their_unit_is_told(
    cli: CommandLine, unit: str, number: str
) -> None:
    """Seconds were taken for microseconds, and lay in 1970 where every join saw them."""
    file = cli.file(f"{unit}.csv", f"k,n,event_time,y\n{unit},1,{number},{number}\n")
    row = f'{{"k": "{unit}", "n": 2, "event_time": {number}, "y": {number}}}'
    spine = cli.file(f"{unit}.ndjson", row.replace('"y"', '"carried"'))
    made = ("training-set", "make", "t", "--spine", spine, "--out", f"{unit}-out.csv")
    if unit != "ns":  # which is a time in the far future, as exports write it
        said = cli.error("import", "w", file)
        assert 'column "event_time": expected a time such as' in said and "--time-unit" in said
        assert not [one for one in cli.json("imports") if one["source"] == file], "nothing is left"
        refused = cli.run("push", "w", code=1, stdin=row)
        assert "--time-unit" in refused.stdout
    assert "--time-unit" in cli.error(*made)
    assert cli.json("import", "w", file, "--time-unit", unit)["rows"] == 1
    cli("push", "w", "--time-unit", unit, stdin=row)
    when = "2020-08-25T20:34:41Z"
    for n in (1, 2):
        (found,) = cli.lines("history", "w", f"k={unit}", f"n={n}")
        assert (found["@event_time"], found["y"]) == (when, when)
    cli(*made, "--time-unit", unit)
    assert (cli.directory / f"{unit}-out.csv").read_text().splitlines()[1] == (
        f"{unit},2,{when},{number},{when}"
    )


def test_a_file_that_is_wrong_from_its_start_leaves_no_import_behind(
    cli: CommandLine, store: alula.Store
) -> None:
    before = cli.json("imports")
    header = cli.file("header.csv", "k,n,event_time,z\n")
    assert 'unknown column "z"' in cli.error("import", "v", header)
    capital = cli.file("capital.csv", "K,n,event_time,x\n")
    assert 'unknown column "K": did you mean "k"?' in cli.error("import", "v", capital)
    first = cli.file("first.csv", "k,n,event_time,x\na,1,2024-01-01,much\n")
    assert "first.csv line 2" in cli.error("import", "v", first)
    semicolons = cli.file("semicolons.csv", "k;n;event_time;x\na;1;2024-01-01;5\n")
    assert "its columns are separated by semicolons" in cli.error("import", "v", semicolons)
    with pytest.raises(alula.InvalidArgument, match="row 0"):
        store.load("v", cli.directory / "first.csv", progress=False)
    assert cli.json("imports") == before


def test_an_import_that_is_interrupted_goes_on_when_it_is_run_again_at_once(
    cli: CommandLine,
) -> None:
    rows = "".join(f"a,{number},2024-01-01,1\n" for number in range(300_000))
    file = cli.file("long.csv", "k,n,event_time,x\n" + rows)
    words = cli.words("import", "v", file, "--no-materialize", "--json")
    running = subprocess.Popen(
        words, cwd=cli.directory, env=cli.environment, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    while '"importing"' not in running.stderr.readline():
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == -signal.SIGINT
    assert cli.json("import", "v", file, "--no-materialize")["rows"] == 300_000

    # What is half written does not stay.
    words = cli.words("export", "v", "--out", "half.csv", "--json")
    running = subprocess.Popen(
        words, cwd=cli.directory, env=cli.environment, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    assert '"exporting"' in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == -signal.SIGINT
    assert not list(cli.directory.glob("half.csv*"))


def test_what_is_listed_says_what_it_is(cli: CommandLine, store: alula.Store) -> None:
    assert cli("gates") == "no gates: any complete version is let in\n"
    assert cli.json("gates") == []
    lines = cli("services", "s").splitlines()
    assert lines[1].split() == ["column", "type", "from"]
    assert lines[4].split() == ["x", "int64", "v:x"]
    spine = cli.file("when.csv", "k,n,event_time,seen\na,1,2024-02-01,2024-01-31T12:00:00Z\n")
    cli("training-set", "make", "t", "--spine", spine, "--out", "when-out.csv")
    made = cli.json("training-set", "list")[0]["id"]
    assert "2024-01-31T12:00:00Z" in cli("training-set", "profile", made)
    with store.run("e") as run:
        with pytest.raises(alula.InvalidArgument, match='metric "auc": expected a number'):
            run.log_metric("auc", None)  # type: ignore[arg-type]
    assert cli("run", "show", run.id).splitlines()[0] == f"{run.id}  finished  e"


def test_a_verb_that_wants_words_shows_its_own_help(cli: CommandLine) -> None:
    assert "See 'alula run log --help'" in cli.error("run", "log", "run-1", code=2)
    assert "See 'alula models --help'" in cli.error("models", "--at", "2024-01-01", code=2)


def test_the_newest_version_is_told_where_another_is_asked_for(cli: CommandLine) -> None:
    said = cli.error("read", "s@9", "k=a", "n=1", "amount=1")
    assert "service s has no version 9: the newest is 1" in said


def test_a_port_that_speaks_something_else_is_told(cli: CommandLine, server: Server) -> None:
    status = [BINARY, "status", "--server"]
    for address, words in {
        f"alula://127.0.0.1:{server.health}": "does not speak Alula's protocol",
        f"alulas://127.0.0.1:{server.port}": "failed: wrong version number",
        "alula://no.such.machine.invalid:7461": "no machine is known by the name",
    }.items():
        done = subprocess.run([*status, address], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and words in done.stderr, done.stderr
        assert (
            "NIO" not in done.stderr
            and "failedTo" not in done.stderr
            and "checkouts" not in done.stderr
        )


def test_what_makes_up_a_secure_address_is_whole_and_there(cli: CommandLine) -> None:
    address = ("--server", f"alulas://127.0.0.1:{cli.server.port}")
    assert "goes with its key" in cli.error("status", *address, "--tls-cert", "definitions.yaml")
    said = cli.error("status", *address, "--tls-ca", "no.pem")
    assert "no.pem cannot be read: No such file or directory" in said
    empty = {"ALULA_TLS_CA": "", "ALULA_TLS_CERT": "", "ALULA_PROJECT": "", "ALULA_TOKEN_FILE": ""}
    done = subprocess.run(cli.words("status"), env=cli.environment | empty, timeout=60)
    assert done.returncode == 0, "an empty variable is none"


def test_a_server_says_in_words_why_it_does_not_start(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("x")
    (tmp_path / "cut.pem").write_text("nothing")
    taken = f"127.0.0.1:{server.port}"
    cut = ["--tls-cert", str(tmp_path / "cut.pem"), "--tls-key", str(tmp_path / "cut.pem")]
    for name, options, words in [
        ("new", ["--listen", taken], f"cannot listen on {taken}: Address already in use\n"),
        ("new", ["--http", taken], f"cannot listen on {taken}: Address already in use\n"),
        ("file", [], "file is not a directory"),
        ("home", [], "holds other things, such as thesis.tex"),
        ("new", ["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem cannot be read: No such"),
        ("new", cut, "cannot be used: "),
    ]:
        running = Server(tmp_path / name)
        running.options = options
        with pytest.raises(DidNotStart) as refused:
            running.start()
        said = str(refused.value)
        assert words in said and "descriptor:" not in said and "failedTo" not in said, said
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["LOCK", "thesis.tex"] or [
        path.name for path in (tmp_path / "home").iterdir()
    ] == ["thesis.tex", "LOCK"]


def test_a_directory_of_backups_is_not_a_backup(tmp_path: Path) -> None:
    running = Server(tmp_path / "data")
    running.options = ["--backups", str(tmp_path / "backups")]
    running.start()
    cli = CommandLine(running, tmp_path)
    try:
        cli("backup", "first")
        said = cli.error("restore", "backups", "--data", "new")
        assert "name one of them" in said and "backups/first" in said
        cli.file("taken", "x")
        assert "taken is not a directory" in cli.error(
            "restore", "backups/first", "--data", "taken"
        )
    finally:
        running.stop()
