"""What a protocol is made of; the registry is registry.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.rows import Row
from facewire.evaluation.measuring.summary import Entry, Summary
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.reports.page import Section
from facewire.evaluation.reports.published import PublishedTable
from facewire.metrics.metric import Metric

RowsOf = Callable[[Bench, Sequence[EvaluationClip]], Iterator[Row]]
SectionsOf = Callable[[Bench, Sequence[EvaluationClip], Summary, Path], list[Section]]
PooledOf = Callable[[Bench, Sequence[Row]], Mapping[str, Entry]]


def _no_sections(
    bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path
) -> list[Section]:
    return []


def _nothing_pooled(bench: Bench, rows: Sequence[Row]) -> Mapping[str, Entry]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One way to measure a model.

    name       on the command line
    question   what it answers, in one sentence
    what       what one row is
    metrics    in the order of the report
    stride     frames between measured ones, unless the user says otherwise
    rows       the measuring itself
    absent     metric -> metric it stands on, whose absence it shares
    sets       metric -> its vectors of the truth, the result and the baseline
    pooled     numbers that need all rows at once
    sections   pictures and plots of its own, files under the given folder
    published  the paper's table
    baseline   what the baseline is; empty if there is none
    """

    name: str
    question: str
    what: str
    metrics: Sequence[Metric]
    rows: RowsOf
    stride: int = 1
    absent: Mapping[str, str] | None = None
    sets: Mapping[str, tuple[str, str, str]] | None = None
    pooled: PooledOf = _nothing_pooled
    sections: SectionsOf = _no_sections
    published: PublishedTable | None = None
    baseline: str = ""
