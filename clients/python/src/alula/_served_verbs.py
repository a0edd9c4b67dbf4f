"""The verbs of the prediction log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from ._frames import Op
from ._proto import served_pb2
from ._serving import log_failures, log_values, scan, span_of, table_of
from ._session import Session
from ._sets import TrainingSets
from .errors import InvalidArgument
from .served import Logged, PredictionLog, Skew
from .training import TrainingSet


class ServedVerbs:
    """What a store does with what was served."""

    _session: Session
    _sets: TrainingSets

    def log_predictions(self, model: str, ids: Any, predictions: Any) -> Logged:
        """Adds what the model said to the vectors of these ids (``Answer.prediction_ids``).

        Durable when it returns; a prediction that is there already stays. All predictions of a
        model have the type of its first: numbers, bools, strings or lists of numbers.
        """
        return log_values(self._session, Op.LOG_PREDICTIONS, model, ids, predictions, None)

    def log_failures(self, model: str, ids: Any, reasons: Any = None) -> Logged:
        """Says of the vectors of these ids that the model could not predict.

        ``reasons``: a text of up to 200 bytes or an exception (of which the name of its class is
        kept, for what it says may hold values) for each, one for all, or None. A vector has a
        prediction or a failure: what came first stays. Durable when it returns.
        """
        return log_failures(self._session, model, ids, reasons)

    def log_outcomes(self, model: str, ids: Any, values: Any, times: Any = None) -> Logged:
        """Adds what came true, and when (now, where nothing is said); as late as it is known.

        Durable when it returns. Corrected ones are logged again, with the same time or a later one:
        the newest counts, and what was known earlier can be asked for.
        """
        return log_values(self._session, Op.LOG_OUTCOMES, model, ids, values, times)

    def predictions(
        self,
        model: str,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
        columns: Sequence[str] = (),
        statuses: bool = False,
        as_known: Any = None,
        service: str = "",
    ) -> pd.DataFrame:
        """The vectors that were logged, with prediction and newest outcome, as a DataFrame.

        ``since`` and ``until`` are of the time served. ``columns``: these features only. With
        ``statuses`` each feature has a column ``NAME@status`` more. ``as_known``: predictions and
        outcomes that were logged by then.
        """
        frame: pd.DataFrame = table_of(
            self.prediction_batches(
                model, since, until, versions, columns, statuses, as_known, service
            )
        ).to_pandas()
        return frame

    def prediction_batches(
        self,
        model: str,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
        columns: Sequence[str] = (),
        statuses: bool = False,
        as_known: Any = None,
        service: str = "",
    ) -> Iterator[pa.RecordBatch]:
        """As ``predictions``, larger than memory: Arrow record batches, ids as bytes. Batches of
        different service versions have different columns.
        """
        request = served_pb2.ScanPredictionsRequest(
            model=model, versions=versions, columns=columns, without_statuses=not statuses,
            service=service,
        )  # fmt: skip
        return scan(self._session, span_of(request, since, until, as_known))

    def prediction_logs(self) -> list[PredictionLog]:
        """What is logged of each model."""
        answer, _ = self._session.call(
            Op.SHOW_PREDICTION_LOG, served_pb2.ShowPredictionLogRequest(), served_pb2.PredictionLogs
        )
        return [PredictionLog.of(log) for log in answer.logs]

    def prediction_log(self, model: str) -> PredictionLog:
        """What is logged of a model."""
        request = served_pb2.ShowPredictionLogRequest(model=model)
        answer, _ = self._session.call(Op.SHOW_PREDICTION_LOG, request, served_pb2.PredictionLogs)
        return PredictionLog.of(answer.logs[0])

    def set_prediction_log(
        self, model: str, rate: float | None = None, keep_days: float | None = None
    ) -> PredictionLog:
        """Sets for which share of keys vectors are kept (always the same keys), and for how many
        days; 0 days is for ever, None leaves it as it is.
        """
        request = served_pb2.SetPredictionLogRequest(model=model)
        if rate is not None:
            request.rate = rate
        if keep_days is not None:
            if keep_days < 0:
                raise InvalidArgument(f"keep_days {keep_days}: expected a number of days, or 0")
            request.keep_us = int(keep_days * 86_400e6)
        answer, _ = self._session.call(
            Op.SET_PREDICTION_LOG, request, served_pb2.PredictionLog, write=True
        )
        return PredictionLog.of(answer)

    def skew(
        self,
        model: str,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
        most_rows: int = 100_000,
        service: str = "",
        timeout: float | None = None,
    ) -> Skew:
        """Compares what was served with what a training set would see of the same moments.

        Logged vectors, about ``most_rows`` of the newest, are joined again from history.
        """
        request = served_pb2.SkewRequest(
            model=model, versions=versions, most_rows=most_rows, service=service
        )
        call, _ = self._session.begin(Op.SKEW, span_of(request, since, until), timeout=timeout)
        try:
            while call.next_item() is not None:
                pass
            return Skew.of(served_pb2.SkewResponse.FromString(bytes(call.result()[0])))
        finally:
            call.close()

    def training_set_from_log(
        self,
        model: str,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
        as_known: Any = None,
        without_outcome: bool = False,
        service: str = "",
        timeout: float | None = None,
    ) -> TrainingSet:
        """A training set of what was really served: keys, ``event_time``, ``prediction_id``, the
        vector, ``prediction``, and the newest ``outcome``, which is its label.

        It is recorded like any other, and ``get_training_set`` gives the same again. Vectors whose
        outcome is not known are left out, unless ``without_outcome``. ``as_known``: outcomes that
        were logged by then. Raises Refused where vectors of several service versions were logged
        and neither ``versions`` nor ``service`` chooses one.
        """
        request = served_pb2.TrainingSetFromLogRequest(
            model=model, versions=versions, without_outcome=without_outcome, service=service
        )
        return self._sets.from_log(span_of(request, since, until, as_known), timeout)
