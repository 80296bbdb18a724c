"""What two agents say to each other on the reliable channel; photos follow their head as binary pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facewire.base.errors import ConfigError
from facewire.base.wire import MessageSet, hexadecimal, short, within
from facewire.talks.picture_size import MOST_SIDE
from facewire.transport.pieces import LARGEST_PHOTO

PEER_VERSION = 2
"""Since 2 a greeting says how large faces its side shows."""

LONGEST_ANCHOR = 2048
"""Hexadecimal digits of a source's own motion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hello:
    """The first message of each side. What it names must be the same on both, or the call ends, but for `shows`.

    model       first 8 bytes of the SHA-256 of the weights, hexadecimal
    table       id of the coding tables, and `table_hash` the first 8 bytes of their hash
    size        side of the networks' pictures, pixels
    shows       side of the largest face that this side shows; what it is sent is no larger
    trailer     face bytes behind sound packets are understood and wanted
    synthesised always true: the picture is made by a model
    avatar      the face is not that of the person
    holds       SHA-256 of the photo of the other side that is still held, or ""
    """

    version: int = PEER_VERSION
    model: str
    table: int
    table_hash: str
    size: int
    shows: int = 0
    keypoints: int
    trailer: bool = True
    synthesised: Literal[True] = True
    avatar: bool = False
    holds: str = ""

    def __post_init__(self) -> None:
        within("version", self.version, 1, 1_000_000)
        hexadecimal("model", self.model, 16)
        within("table", self.table, 1, 65535)
        hexadecimal("table_hash", self.table_hash, 16)
        within("size", self.size, 16, 4096)
        within("shows", self.shows, 0, MOST_SIDE)
        within("keypoints", self.keypoints, 1, 64)
        if self.holds:
            hexadecimal("holds", self.holds, 64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A source is coming: `bytes` of WebP in pieces, none if the receiver said that it holds this photo."""

    epoch: int
    bytes: int
    sha256: str
    anchor: str
    avatar: bool = False
    held: bool = False

    def __post_init__(self) -> None:
        within("epoch", self.epoch, 0, 65535)
        within("bytes", self.bytes, 1, LARGEST_PHOTO)
        hexadecimal("sha256", self.sha256, 64)
        if len(self.anchor) % 2 or len(self.anchor) > LONGEST_ANCHOR:
            raise ConfigError("anchor", "(hidden)", f"at most {LONGEST_ANCHOR} digits")
        hexadecimal("anchor", self.anchor, len(self.anchor))


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoHeld:
    """The photo of an epoch is here, whole, and can be rendered."""

    epoch: int

    def __post_init__(self) -> None:
        within("epoch", self.epoch, 0, 65535)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """Please send a new source: mine is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyframe:
    """Please send a picture of the ordinary video that stands alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bye:
    """The call is over."""

    reason: str = ""

    def __post_init__(self) -> None:
        short("reason", self.reason, 200)


PeerMessage = Hello | Photo | PhotoHeld | Refresh | Keyframe | Bye

PEER_MESSAGES: MessageSet[PeerMessage] = MessageSet(
    {
        "hello": Hello,
        "photo": Photo,
        "photo-held": PhotoHeld,
        "refresh": Refresh,
        "keyframe": Keyframe,
        "bye": Bye,
    }
)
