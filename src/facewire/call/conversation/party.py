"""What both sides of a connection must agree on."""

from __future__ import annotations

from dataclasses import dataclass

from facewire.call.messages.peer_messages import Hello
from facewire.codec.tables.artefact import CodecTables
from facewire.networks.manifest import known_as


@dataclass(frozen=True, slots=True)
class Party:
    """What both sides must agree on, and what this one wants.

    size   side of the networks' own pictures
    shows  side of the largest face that this side shows, pixels; smaller than `size` means `size`
    thin   thin mode is wanted
    """

    model: bytes
    tables: CodecTables
    size: int
    trailer: bool = True
    avatar: bool = False
    shows: int = 0
    thin: bool = False

    def hello(self, holds: bytes) -> Hello:
        """Return the greeting."""
        return Hello(
            model=self.model.hex(),
            table=self.tables.id,
            table_hash=self.tables.fingerprint.hex(),
            size=self.size,
            shows=max(self.size, self.shows),
            keypoints=self.tables.keypoints,
            trailer=self.trailer,
            avatar=self.avatar,
            holds=holds.hex(),
        )

    def problem(self, hello: Hello) -> str:
        """Return why a conversation with the sender of this greeting is not possible, or an empty text."""
        own = self.hello(b"")
        if hello.version != own.version:
            return f"the other side speaks version {hello.version}, this one {own.version}: install the same Facewire"
        if hello.model != own.model:
            return (
                f"the other side uses {_said(hello.model)}, this one {_said(own.model)}: pass the same --weights on "
                "both sides, and install the same Facewire"
            )
        if (hello.table, hello.table_hash, hello.keypoints, hello.size) != (
            own.table,
            own.table_hash,
            own.keypoints,
            own.size,
        ):
            return "the other side uses other coding tables: install the same Facewire"
        return ""


def _said(model: str) -> str:
    """Return what people know weights by: the beginning of their SHA-256, and their name where they are here."""
    name = known_as(bytes.fromhex(model))
    return f"weights {model}" + ("" if name is None else f" ({name})")
