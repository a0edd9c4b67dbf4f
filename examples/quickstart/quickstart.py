"""The main job of Alula, end to end, against a real server: define, load, train, register, promote, serve."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

import alula
import world

HERE = Path(__file__).resolve().parent
BINARY = os.environ["ALULA_BINARY"]
WIDE = sys.stdout.isatty()
step_number = 0


@contextmanager
def step(title: str):
    global step_number
    step_number += 1
    print(f"\n{step_number}. {title}", flush=True)
    began = time.perf_counter()
    yield
    print(f"   [{time.perf_counter() - began:.2f} s]", flush=True)


def say(text: str) -> None:
    print("   " + text.replace("\n", "\n   "), flush=True)


def alula_cli(*words: str, show: bool = True) -> str:
    say("$ alula " + " ".join(words))
    done = subprocess.run([BINARY, *words], cwd=HERE, capture_output=True, text=True)
    if show:
        say((done.stdout + done.stderr).rstrip())
    if done.returncode not in (0, 1):
        raise SystemExit(f"alula {words[0]} ended with {done.returncode}")
    return done.stdout


def start_server(data: Path) -> tuple[subprocess.Popen, str, str]:
    server = subprocess.Popen(
        [BINARY, "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True,
    )
    address = health = ""
    while not (address and health):
        line = server.stdout.readline()
        if not line:
            raise SystemExit("the server did not start")
        for word in line.split():
            address = word if word.startswith("alula://") else address
            health = word if word.startswith("http://") else health
    return server, address, health


def as_of(loans: pd.DataFrame, rows: pd.DataFrame, key: str, time_column: str, created: str | None, days: int | None):
    """The same join by pandas, to check Alula against: sorts everything, then merge_asof."""
    rows = rows.sort_values([time_column] + ([created] if created else []), kind="stable")
    rows = rows.drop_duplicates([key, time_column], keep="last")
    left = loans.reset_index().sort_values("applied_at", kind="stable")
    tolerance = pd.Timedelta(days=days) if days else None
    joined = pd.merge_asof(left, rows, left_on="applied_at", right_on=time_column, by=key, tolerance=tolerance)
    return joined.set_index("index").sort_index()


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="alula-quickstart-"))
    credit, bank, place, loans = world.make()
    credit.to_parquet(work / "credit_history.parquet", index=False)
    place.to_csv(work / "place_stats.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    print(f"A lender has {len(credit):,} reports on credit, {len(bank):,} account days, {len(place):,} places")
    print(f"and {len(loans):,} loans that were paid back or not. The question: who will not pay?")

    with step("Start the server: one process, one directory"):
        server, address, health = start_server(work / "data")
        os.environ["ALULA_SERVER"] = address
        say(f"{address}, data in {work / 'data'}")
        say(f"/readyz answers {urllib.request.urlopen(health + '/readyz').status}")
    try:
        story(address, work, credit, bank, place, loans)
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(30)
    print(f"\nThe server stopped with {code}. Its data is in {work / 'data'}: start it again with")
    print(f"   {BINARY} serve --data {work / 'data'}")
    print("and try: alula views, alula read loan_risk person_id=p000001 zipcode=10001 loan_amount=9000,")
    print("alula history credit_history person_id=p000001, alula audit, alula plan definitions.yaml.")


def story(address: str, work: Path, credit, bank, place, loans) -> None:
    with step("Define entities, views, a service and the gates of a model, in one file"):
        alula_cli("apply", "definitions.yaml")

    store = alula.connect(address)
    with step("Load history: Parquet from Python, CSV from the shell, a data frame from memory"):
        loaded = store.load("credit_history", work / "credit_history.parquet")
        say(f"credit_history: {loaded.rows:,} rows from Parquet")
        loaded = store.load("bank_account", bank)
        say(f"bank_account: {loaded.rows:,} rows from a data frame")
        alula_cli("import", "place_stats", str(work / "place_stats.csv"))

    with step("Make a training set: every loan as of the moment it was applied for"):
        train = store.training_set("loan_risk", spine=loans, event_time="applied_at", label="defaulted")
        say(f"{train.id}: {train.rows:,} rows x {train.X.shape[1]} columns of the vector, digest {train.digest[:16]}…")
        for view in train.report:
            say(
                f"{view.label}: {view.matched:,} matched, {view.expired:,} expired, {view.not_found:,} not found, "
                f"{view.late:,} late"
            )

    with step("Check it against pandas.merge_asof, row by row"):
        got = train.to_pandas()
        checks = [
            (credit, "person_id", "reported_at", "received_at", 400, ["credit_card_due", "mortgage_due"]),
            (bank, "person_id", "day", None, 90, ["balance", "overdrafts_90d"]),
            (place, "zipcode", "as_of", None, None, ["population", "median_wage"]),
        ]
        for rows, key, when, created, days, columns in checks:
            want = as_of(loans, rows, key, when, created, days)
            for column in columns:
                same = np.array_equal(
                    got[column].to_numpy(dtype=float, na_value=np.nan),
                    want[column].to_numpy(dtype=float, na_value=np.nan), equal_nan=True,
                )
                assert same, f"{column} differs from pandas"
        say(f"all {len(got):,} rows are equal, in order")

    with step("Train two models and register them with their lineage"):
        X, y = train.X, np.asarray(train.y)
        cut = int(0.8 * len(y))

        def fit(name: str, model, params: dict, labels) -> int:
            with store.run(experiment="loan_risk", name=name, training_set=train, params=params) as run:
                model.fit(X[:cut], labels[:cut])
                chance = model.predict_proba(X[cut:])[:, 1]
                run.log_metrics({"auc": roc_auc_score(y[cut:], chance), "log_loss": log_loss(y[cut:], chance)})
                path = work / f"{name}.skops"
                skops.io.dump(model, path)
                version = run.register("loan_risk", artifacts=[path])
            say(f"{name}: auc {roc_auc_score(y[cut:], chance):.3f} -> version {version}")
            return version

        linear = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=200))
        good = fit("logistic", linear, {"model": "logistic", "max_iter": 200}, y)
        shuffled = np.random.default_rng(1).permutation(y)  # a bug in somebody's notebook
        bad = fit("shuffled", HistGradientBoostingClassifier(max_iter=20), {"model": "trees"}, shuffled)

    with step("Promote: the gate passes the good one and refuses the bad one, with every reason"):
        alula_cli("promote", "loan_risk", str(good), "staging", "--reason", "first model")
        alula_cli("promote", "loan_risk", str(good), "production", "--reason", "beats the rules of thumb")
        try:
            store.promote("loan_risk", bad, "production", reason="it is new")
            raise SystemExit("the bad version was promoted")
        except alula.Refused as refusal:
            say(f"refused: {refusal.message}")
            for reason in refusal.details:
                say(f"  - {reason}")

    with step("Serve: features of the version in production, in its order, and predictions from them"):
        live = store.model("loan_risk", stage="production")
        live.download(work / "live")
        artifact = next((work / "live").iterdir())
        model = skops.io.load(artifact, trusted=skops.io.get_untrusted_types(file=artifact))
        applicants = loans.tail(5)
        keys = {"person_id": applicants["person_id"].tolist(), "zipcode": applicants["zipcode"].tolist()}
        request = {"loan_amount": applicants["loan_amount"].tolist()}
        answer = live.read(keys, request=request)
        chances = model.predict_proba(answer.to_numpy())[:, 1]
        for person, chance in zip(keys["person_id"], chances):
            say(f"{person}: {chance:.0%} chance of default by version {live.version}")
        began = time.perf_counter()
        for _ in range(200):
            live.read(keys, request=request).to_numpy()
        say(f"{(time.perf_counter() - began) / 200 * 1e6:.0f} us a read of 5 people from Python")

    with step("News arrives: push it, and the next read knows it, durably"):
        person = keys["person_id"][0]
        result = store.push(
            "credit_history",
            [{"person_id": person, "reported_at": pd.Timestamp.now(tz="UTC"), "credit_card_due": 90_000.0,
              "mortgage_due": None, "missed_payments_1y": 9, "open_accounts": 11}],
        )
        say(f"pushed: {result.statuses}")
        after = live.read(keys, request=request)
        chance = model.predict_proba(after.to_numpy())[0, 1]
        say(f"{person}: {chances[0]:.0%} -> {chance:.0%}")
        assert after.to_numpy()[0, 0] == 90_000.0

    with step("Where does the model in production come from?"):
        alula_cli("lineage", "loan_risk", str(good))

    with step("Make the same training set again, after all that was written since"):
        again = store.get_training_set(train.id)
        assert again.digest == train.digest
        say(f"the same bytes: digest {again.digest[:16]}…")


if __name__ == "__main__":
    main()
