"""The pictures that a receiver keeps, so that one it was sent already can be named by a number (section 9.9).

Encoder, reader and receiver each keep one, of whatever they need of a picture, and the three agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

Held = TypeVar("Held")

MOST_PICTURES: Final = 8
"""Of more the least recently used is dropped."""


class Bank(Generic[Held]):
    """The pictures used most recently, by the epoch that they came with."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}

    def __iter__(self) -> Iterator[tuple[int, Held]]:
        """Yield epoch and picture, the least recently used first."""
        return iter(list(self._held.items()))

    def add(self, epoch: int, picture: Held) -> None:
        """Take the picture that came with an epoch."""
        self._held[epoch] = picture
        while len(self._held) > MOST_PICTURES:
            del self._held[next(iter(self._held))]

    def recall(self, epoch: int) -> Held | None:
        """Return the picture of an epoch, which is now the one used last; None if it is not held."""
        picture = self._held.pop(epoch, None)
        if picture is not None:
            self._held[epoch] = picture
        return picture
