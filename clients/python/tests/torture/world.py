"""What must hold of a server whenever it stands, whatever was being written to it."""

from __future__ import annotations

from waiting import wait_until

import alula
from torture.ledger import newest_of
from torture.writers import IMPORT_ROWS, KEPT_KEYS, KEPT_ROWS, KEYS, Writers


class World(Writers):
    """The writers and their server; what it answers is compared with their ledger."""

    def check(self, everything: bool = True) -> None:
        """Nothing writes meanwhile; what takes long to look at is left out where told."""
        ledger = self.ledger
        assert not ledger.failures, ledger.failures
        with self.server.connect("torture") as store:
            self.check_pushed(store)
            self.check_kept(store)
            if everything:
                self.check_imported(store)
            self.check_registry(store)
            known_views = {view.name for view in store.views()}
            assert ledger.applied <= known_views <= {"pushed", "imported", "kept", *ledger.views}
            known = {record.id: record.digest for record in store.training_sets()}
            assert ledger.sets.items() <= known.items()
            chosen = list(ledger.sets)
            for id in chosen[:1] + chosen[-2:]:
                assert store.get_training_set(id).digest == ledger.sets[id]
            self.check_artifacts(store, everything)
            if self.has_backups:
                kept = {backup.name for backup in store.backups() if backup}
                assert set(self.ledger.backups) <= kept, f"{self.ledger.backups} of {kept}"
            verified = store.verify(progress=False)
            assert verified, verified
            chain = store.verify_audit()
            assert chain, chain

    def check_pushed(self, store: alula.Store) -> None:
        found: list[int] = []
        newest = []
        for key in KEYS:
            rows = store.history("pushed", {"k": key})
            assert all(self.ledger.pushes[number] == key for number in rows["id"])
            found += rows["id"].tolist()
            newest.append(newest_of(rows, "id", missing_is_recorded=True))
        assert len(found) == len(set(found)), "rows that are there twice"
        lost = self.ledger.pushed - set(found)
        assert not lost, f"acknowledged and lost: {sorted(lost)[:20]}, {len(lost)} rows"
        assert set(found) <= set(self.ledger.pushes), "rows that nobody wrote"
        online = store.read("s", {"k": KEYS}).to_arrow()["id"].to_pylist()
        assert online == newest, f"online {online}, the newest of history {newest}"

    def check_imported(self, store: alula.Store) -> None:
        store.materialize(["imported"], progress=False)
        found: list[int] = []
        newest = []
        for key in KEYS:
            rows = store.history("imported", {"k": key})
            found += rows["ref"].tolist()
            newest.append(newest_of(rows, "ref", missing_is_recorded=False))
        assert len(found) == len(set(found)), "rows that are there twice"
        sources = {ref // IMPORT_ROWS for ref in found}
        assert len(found) == IMPORT_ROWS * len(sources), "a part of an import"
        lost = self.ledger.imported - sources
        assert not lost, f"acknowledged and lost: imports {lost}"
        assert sources <= set(self.ledger.imports), "imports that nobody made"
        assert store.read("s", {"k": KEYS}).to_arrow()["ref"].to_pylist() == newest

    def check_kept(self, store: alula.Store) -> None:
        """What was taken back is gone and the rest is there; what was being done is done or not."""
        found = sorted(store.export("kept").read_all()["of"].to_pylist())
        before = {number: set(keys) for number, keys in self.ledger.alive.items()}
        after = {number: set(keys) for number, keys in self.ledger.alive.items()}
        act = self.ledger.pending
        if act is not None and act.kind == "load":
            after[act.number] = set(KEPT_KEYS)
        elif act is not None and act.kind == "retract":
            after[act.number] = set()
        elif act is not None and act.kind == "forget":
            for keys in after.values():
                keys.discard(act.key)
        possible = [kept_ids(before), kept_ids(after)]
        assert found in possible, f"{len(found)} rows, expected {[len(one) for one in possible]}"
        if act is not None and act.kind in ("retract", "load"):
            return  # online rows come back, or come, behind
        newest: dict[str, int] = {}
        for number in found:
            key = KEPT_KEYS[number % KEPT_ROWS % len(KEPT_KEYS)]
            newest[key] = max(newest.get(key, -1), number, key=order_of)
        online = store.read("kept", {"kept_key": KEPT_KEYS}).to_arrow()["of"].to_pylist()
        assert online == [newest.get(key) for key in KEPT_KEYS]

    def check_artifacts(self, store: alula.Store, everything: bool) -> None:
        digests = list(self.ledger.artifacts)
        chosen = digests if everything else digests[:1] + digests[-2:]
        for digest in chosen[-40:]:
            got = self.directory / "got"
            store.get_artifact(digest, got)
            assert got.stat().st_size == self.ledger.artifacts[digest]
            got.unlink()

    def check_registry(self, store: alula.Store) -> None:
        ledger = self.ledger
        entries = store.audit(limit=1_000_000)
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        models = store.models()
        if not models:
            assert not ledger.versions
            return
        versions = {version.version: version for version in store.versions("m")}
        assert set(versions) == set(range(1, len(versions) + 1))
        for number, run in ledger.versions.items():
            assert versions[number].run == run
        for run in list(ledger.versions.values())[-2:]:
            record = store.get_run(run)
            steps = [point.step for point in record.points if point.name == "loss"]
            assert steps == list(range(30)), steps
            assert record.status == "finished"
        holders = {holder.stage: holder.version for holder in models[0].holders}
        after = [number for number in ledger.promotes if number > ledger.promoted]
        assert holders.get("staging", 0) in {ledger.promoted, *after}
        aliases = {alias.name: alias.version for alias in store.aliases("m")}
        assert aliases.get("newest", 0) in {ledger.alias, *ledger.aliases}

    def reads_go_on(self) -> None:
        """Online, history and registry are read, whatever else does not go."""
        with self.server.connect("torture") as store:
            key = KEYS[0]
            try:
                rows = store.history("pushed", {"k": key})
                assert all(self.ledger.pushes[number] == key for number in rows["id"])
            except alula.Refused as error:
                # Where its own file has failed, history says what it lacks.
                assert "does not follow" in str(error)
            store.read("s", {"k": KEYS})
            store.models()
            store.status()

    def wait_until_ready(self, seconds: float = 30) -> None:
        wait_until(
            lambda: self.server.page("/readyz")[0] == 200, seconds,
            tell=lambda: f"not ready: {self.server.said[-2_000:]}",
        )  # fmt: skip


def kept_ids(alive: dict[int, set[str]]) -> list[int]:
    return sorted(
        number * KEPT_ROWS + row
        for number, keys in alive.items()
        for row in range(KEPT_ROWS)
        if KEPT_KEYS[row % len(KEPT_KEYS)] in keys
    )


def order_of(id: int) -> tuple[int, int]:
    """The event time of a row of `kept`, by its id."""
    return (-1, -1) if id < 0 else (id % KEPT_ROWS, id // KEPT_ROWS)
