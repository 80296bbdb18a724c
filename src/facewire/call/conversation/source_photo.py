"""The photos of a call: the own one as it is sent, and one of the other side that is complete."""

from __future__ import annotations

from dataclasses import dataclass

from facewire.codec.state import MotionFrame


@dataclass(frozen=True, slots=True)
class OwnSource:
    """What this side is shown with: WebP bytes of the head crop, its own motion, and whether it is an avatar."""

    picture: bytes
    motion: MotionFrame
    avatar: bool = False


@dataclass(frozen=True, slots=True)
class IncomingPhoto:
    """A photo of the other side that is complete and wants to be decoded and prepared for rendering."""

    epoch: int
    sha256: bytes
    picture: bytes
    avatar: bool
