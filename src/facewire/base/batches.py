"""Grouping a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of `size` items, the last one shorter (itertools.batched exists from Python 3.12 on)."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
