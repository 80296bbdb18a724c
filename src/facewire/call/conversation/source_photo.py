"""The photos of a call: the own one as it is sent, and one of the other side that is complete."""

from __future__ import annotations

from dataclasses import dataclass

from facewire.codec.state import MotionFrame


@dataclass(frozen=True, slots=True)
class SizedPicture:
    """WebP bytes of a head crop, `side` pixels wide."""

    side: int
    data: bytes


def fitting(pictures: tuple[SizedPicture, ...], shows: int) -> SizedPicture:
    """Return the largest picture for somebody who shows sides up to `shows`; the first one suits everybody."""
    first, *larger = pictures
    return next((one for one in reversed(larger) if one.side <= shows), first)


@dataclass(frozen=True, slots=True)
class OwnSource:
    """What this side is shown with.

    pictures  the same head crop in several sizes, the networks' own first, then larger ones
    preview   the first of them once more in some 2 kB, for lines on which the others take long; b"": there is none
    motion    its own motion
    avatar    it is not the person
    """

    pictures: tuple[SizedPicture, ...]
    motion: MotionFrame
    avatar: bool = False
    preview: bytes = b""


@dataclass(frozen=True, slots=True)
class IncomingPhoto:
    """A photo of the other side that is complete and wants to be decoded and prepared for rendering."""

    epoch: int
    sha256: bytes
    picture: bytes
    avatar: bool
