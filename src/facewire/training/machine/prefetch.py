"""Preparing what comes next in threads while the present step runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetched(make: Callable[[int], Item], first: int, last: int, ahead: int) -> Generator[Item, None, None]:
    """Yield make(first), ..., make(last - 1) in order, up to `ahead` of them prepared in as many threads.

    `make` must depend on its number alone; its exceptions arrive where its result would.
    """
    with ThreadPoolExecutor(ahead) as threads:
        waiting: deque[Future[Item]] = deque()
        try:
            for number in range(first, last):
                waiting.append(threads.submit(make, number))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
