"""The loop over rows: what is done already is taken up, what fails becomes a row with a reason.

Several rows are computed at once, each in a thread: most of the time is spent in matrix code that lets other threads
run. Memory depends on how many run at once, not on how many there are.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from facewire.animation.animator import Animator
from facewire.base.errors import FacewireError
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Measured, Row, Store
from facewire.evaluation.measuring.settings import Settings

_log = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]
"""Told (stage, done, total) after every row."""


class Subject(Protocol):
    """What a row is about."""

    @property
    def name(self) -> str:
        """Unique within a protocol."""

    @property
    def group(self) -> str:
        """Who is seen; rows of one group are not independent."""

    def identity(self) -> Mapping[str, Any]:
        """Return what the row depends on besides what all rows share (hashes of files)."""


SubjectType = TypeVar("SubjectType", bound=Subject)


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a model is measured: the model, the metrics, the settings, the place for results."""

    animator: Animator
    panel: Panel
    settings: Settings
    store: Store
    workers: int = 1
    progress: Progress = field(default=_silent)

    def each(
        self, subjects: Sequence[SubjectType], measure: Callable[[Bench, SubjectType], Measured]
    ) -> Iterator[Row]:
        """Yield one row per subject, in order.

        Args:
            subjects: what to measure.
            measure: measures one; whatever it raises becomes the reason of a failed row.
        """
        if self.workers == 1:
            yield from self._watched((self._row(subject, measure) for subject in subjects), len(subjects))
            return
        pool = ThreadPoolExecutor(self.workers)
        try:
            rows = pool.map(lambda subject: self._row(subject, measure), subjects)
            yield from self._watched(rows, len(subjects))
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C rows in progress end, queued ones do not start

    def _watched(self, rows: Iterable[Row], total: int) -> Iterator[Row]:
        for done, row in enumerate(rows, start=1):
            self.progress("measure", done, total)
            yield row

    def _row(self, subject: SubjectType, measure: Callable[[Bench, SubjectType], Measured]) -> Row:
        started = time.perf_counter()
        try:
            key = self.store.key({"name": subject.name, **subject.identity()})
            known = self.store.get(subject.name, key)
            if known is not None:
                return known
            measured = measure(self, subject)
            _check(measured.row)
        except FacewireError as error:
            return Row(name=subject.name, group=subject.group, reason=str(error))
        except Exception as error:
            # Broad on purpose: one clip must not cost the others; the row carries the reason, the log the trace.
            _log.warning("%s failed", subject.name, exc_info=True)
            return Row(name=subject.name, group=subject.group, reason=f"{type(error).__name__}: {error}")
        row = replace(measured.row, seconds=round(time.perf_counter() - started, 3))
        self.store.put(key, Measured(row, measured.arrays))
        return row


def _check(row: Row) -> None:
    """Raise ValueError where a number is none: JSON cannot hold it, and a mean would hide it."""
    for name, value in {**row.baseline, **row.values}.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
