"""The codecs under comparison: ours at several settings and the anchors, all fed the same head crops.

head crops of a clip -> Method at a setting -> Coded: bytes, and the pictures that a receiver shows
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Final, Protocol

from facewire.animation.animator import Animator
from facewire.animation.driving import HeadSquare
from facewire.codec.decoder import DecodedFrame
from facewire.codec.talk import TalkReader
from facewire.evaluation.codecs.rates import Cost
from facewire.media.anchor_codecs import ANCHORS, Anchor, decode_pictures, encode_pictures
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.media.sound.sound_encoder import SoundTap
from facewire.talks.coding_tables import shelf_of
from facewire.talks.decoder import Receiver
from facewire.talks.encoder import ADAPTIVE, EncodeOptions, encode
from facewire.talks.refresh import OFF, PATCH, SOURCE

OURS: Final = "Facewire"
OUR_RATES: Final = ("coarse", "standard", "fine")
STREAM_LAG: Final = 5
"""Frames until a packet counts as received: 200 ms at 25 frames a second."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Head crops in memory.

    pictures  (N, N, 3) each
    rate      frames per second
    """

    pictures: Sequence[Pixels]
    rate: Fraction

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.pictures) / float(self.rate)

    @property
    def side(self) -> int:
        """N."""
        return len(self.pictures[0])


@dataclass(frozen=True, slots=True)
class Coded:
    """A clip through a codec: its bytes, and every `stride`-th of the pictures that come out."""

    cost: Cost
    pictures: Iterator[Pixels]


class Method(Protocol):
    """A codec whose curve is drawn."""

    @property
    def name(self) -> str:
        """Unique; the curve's label."""

    @property
    def settings(self) -> Sequence[str]:
        """The points of the curve."""

    def code(self, clip: Clip, setting: str, stride: int) -> Coded:
        """Code a clip at a setting; of the pictures that come out only numbers 0, stride, 2 stride ... are wanted."""


@dataclass(frozen=True, slots=True)
class AnchorMethod:
    """An ordinary video codec."""

    anchor: Anchor

    @property
    def name(self) -> str:
        return self.anchor.label

    @property
    def settings(self) -> Sequence[str]:
        return [str(quality) for quality in self.anchor.qualities]

    def code(self, clip: Clip, setting: str, stride: int) -> Coded:
        coded = encode_pictures(clip.pictures, clip.rate, self.anchor, int(setting))
        first, *rest = coded.sizes
        return Coded(
            Cost(first, sum(rest), clip.seconds), islice(decode_pictures(coded, self.anchor), 0, None, stride)
        )


@dataclass(frozen=True, slots=True)
class TalkMethod:
    """Ours in one profile.

    animator  whose networks read and render
    profile   file or stream
    refresh   what is sent when the synthesis fails
    """

    animator: Animator
    profile: str
    refresh: str = SOURCE

    @property
    def name(self) -> str:
        return f"{OURS} {self.profile}" + ("" if self.refresh == SOURCE else f" refresh {self.refresh}")

    @property
    def settings(self) -> Sequence[str]:
        return OUR_SETTINGS

    def code(self, clip: Clip, setting: str, stride: int) -> Coded:
        rate, _, keypoints = setting.partition(" ")
        options = EncodeOptions(
            profile=self.profile,
            rate=rate,
            keypoints=int(keypoints) if keypoints.isdecimal() else ADAPTIVE,
            size=clip.side,
            refresh=self.refresh,
            confirm_after=STREAM_LAG,
        )
        talk = io.BytesIO()
        held = _Held(clip, self.animator.size)
        report = encode(self.animator, held, talk, options, output=self.name)
        refresh = report.refresh_bytes
        cost = Cost(report.source_bytes, report.motion_bytes + refresh, clip.seconds, refresh)
        talk.seek(0)
        return Coded(cost, _pictures(talk, self.animator, clip.side, stride))


DEFAULT_SETTING: Final = f"standard {ADAPTIVE}"
"""What `facewire encode` does when nothing else is said; ratios are taken here."""
OUR_SETTINGS: Final = (f"coarse {ADAPTIVE}", DEFAULT_SETTING, "standard 20", "fine 20")


def own_methods(animator: Animator) -> list[Method]:
    """Return ours."""
    kinds = (("file", SOURCE), ("stream", SOURCE), ("file", OFF), ("file", PATCH))
    return [TalkMethod(animator, profile, refresh) for profile, refresh in kinds]


def anchor_methods() -> list[AnchorMethod]:
    """Return the others, those that cannot be run here included."""
    return [AnchorMethod(anchor) for anchor in ANCHORS]


class _Held:
    """A clip in the shape that the encoder reads; `size` is the side of the networks' pictures."""

    def __init__(self, clip: Clip, size: int) -> None:
        self.name = "clip"
        self.rate = clip.rate
        self.expected: int | None = len(clip.pictures)
        self.tap = SoundTap()
        self._pictures, self._size = clip.pictures, size

    def __iter__(self) -> Iterator[HeadSquare]:
        for picture in self._pictures:
            small = picture if len(picture) == self._size else resize(picture, (self._size, self._size))
            yield HeadSquare(small, small, picture)

    def preview(self) -> Iterator[HeadSquare]:
        """Show nothing ahead: no receiver here shows another person."""
        return iter(())


def _pictures(talk: io.BytesIO, animator: Animator, side: int, stride: int) -> Iterator[Pixels]:
    """Yield the wanted pictures; the others need not be rendered, since none builds on another."""
    receiver = Receiver(animator, side=side)
    for item in TalkReader(talk, shelf_of(animator).find):
        if isinstance(item, DecodedFrame) and item.number % stride:
            continue
        yield from (shown.picture for shown in receiver.take(item))
    yield from (shown.picture for shown in receiver.flush())
