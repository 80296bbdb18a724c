"""Numbers of a run: one JSON line per report, and TensorBoard where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from facewire.base.errors import OutputError
from facewire.base.files import atomic_output, write_advice, write_text

FILE = "scalars.jsonl"


class ScalarLog:
    """Appends to `FOLDER/scalars.jsonl`; also writes TensorBoard events when the package is there."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        """Go on after `step` steps: lines of later ones, written before a crash, are taken back.

        Raises:
            OutputError: the folder cannot be written.
        """
        self._path = folder / FILE
        _take_back(self._path, step)
        try:
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as problem:
            raise OutputError(self._path, write_advice(problem)) from problem
        self._board: Any = None
        if importlib.util.find_spec("tensorboard") is not None:  # optional extra `train`
            boards = importlib.import_module("torch.utils.tensorboard")
            self._board = boards.SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Record values at a step (steps done).

        Raises:
            OutputError: they cannot be written.
        """
        try:
            self._file.write(json.dumps({"step": step, **values}) + "\n")
            self._file.flush()
        except OSError as problem:
            raise OutputError(self._path, write_advice(problem)) from problem
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def _take_back(path: Path, step: int) -> None:
    """Remove the lines of steps after `step` and whatever is no whole line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    kept = [line for line in lines if _step_of(line) <= step]
    if len(kept) < len(lines):
        with atomic_output(path) as temporary:
            write_text(temporary, "".join(f"{line}\n" for line in kept))


def _step_of(line: str) -> float:
    """Return the step of a line, infinite where it is cut off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


class RunningMean:
    """Means of named values since the last report."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, values: Mapping[str, float]) -> None:
        """Add one set of values; every set has the same names."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def take(self) -> dict[str, float]:
        """Return the means and start again; nothing where nothing was added."""
        means = {name: value / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means
