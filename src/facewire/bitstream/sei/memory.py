"""What later GFV messages are predicted from: the base picture's numbers and those of the message before."""

from __future__ import annotations

from dataclasses import dataclass, field

from facewire.bitstream.sei.message import Coordinates, GfvMessage, Matrices


@dataclass(slots=True)
class Memory:
    """What messages of one id are predicted from."""

    base_coordinates: Coordinates | None = None
    last_coordinates: Coordinates | None = None
    base_matrices: Matrices | None = None
    last_matrices: Matrices | None = None

    def keep(self, message: GfvMessage) -> None:
        """Remember a message."""
        if message.coordinates is not None:
            self.last_coordinates = message.coordinates
            if message.base:
                self.base_coordinates = message.coordinates
        if message.matrices is not None:
            self.last_matrices = message.matrices
            if message.base:
                self.base_matrices = message.matrices

    def coordinates(self, count: int) -> Coordinates | None:
        """Return what points are predicted from."""
        return self.last_coordinates if count else self.base_coordinates

    def matrices(self, count: int) -> Matrices | None:
        """Return what matrices are predicted from."""
        return self.last_matrices if count else self.base_matrices


@dataclass(slots=True)
class Memories:
    """By id, the most recent ones: a stream of ever new ids needs no more memory."""

    most: int = 16
    by_id: dict[int, Memory] = field(default_factory=dict)

    def of(self, id: int, *, base: bool) -> Memory:
        """Return what is remembered of an id, which is the newest from now on; a base picture starts anew."""
        found = self.by_id.pop(id, None)
        memory = Memory() if base or found is None else found
        self.by_id[id] = memory
        if len(self.by_id) > self.most:
            del self.by_id[next(iter(self.by_id))]
        return memory
