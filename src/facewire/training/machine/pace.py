"""How fast a run is, and for what share of the time it waits for its data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Pace:
    """Counts pairs and seconds from its making on."""

    def __init__(self) -> None:
        self._begin = time.perf_counter()
        self._waited = 0.0
        self._pairs = 0

    def timed(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, counting how long each is waited for."""
        stream = iter(items)
        while True:
            asked = time.perf_counter()
            try:
                item = next(stream)
            except StopIteration:
                return
            self._waited += time.perf_counter() - asked
            yield item

    def add(self, pairs: int) -> None:
        """Count pairs that were trained on."""
        self._pairs += pairs

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self._begin

    @property
    def samples_per_s(self) -> float:
        """Pairs per second."""
        return self._pairs / self.seconds

    @property
    def data_wait_share(self) -> float:
        """Share of the time spent waiting for items, 0 to 1."""
        return self._waited / self.seconds
