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
from facewire.talks.encoder import ADAPTIVE, FIRST_QUALITY, LATER_QUALITY, EncodeOptions, encode
from facewire.talks.refresh import OFF, PATCH, SOURCE

OURS: Final = "Facewire"
FILE: Final = "file"
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
    """An ordinary video codec; it may code pictures `smaller` times smaller than what is shown."""

    anchor: Anchor
    smaller: int = 1

    @property
    def name(self) -> str:
        return self.anchor.label + (f" 1/{self.smaller} size" if self.smaller > 1 else "")

    @property
    def settings(self) -> Sequence[str]:
        return [str(quality) for quality in self.anchor.qualities]

    def code(self, clip: Clip, setting: str, stride: int) -> Coded:
        coded = encode_pictures(self._small(clip), clip.rate, self.anchor, int(setting))
        first, *rest = coded.sizes
        shown = islice(decode_pictures(coded, self.anchor), 0, None, stride)
        return Coded(Cost(first, sum(rest), clip.seconds), self._large(shown, clip.side))

    def _small(self, clip: Clip) -> Sequence[Pixels]:
        """Return the pictures as they are coded; their sides are even."""
        if self.smaller == 1:
            return clip.pictures
        side = 2 * (clip.side // self.smaller // 2)
        return [resize(picture, (side, side)) for picture in clip.pictures]

    def _large(self, pictures: Iterator[Pixels], side: int) -> Iterator[Pixels]:
        if self.smaller == 1:
            return pictures
        return (resize(picture, (side, side)) for picture in pictures)


DEFAULT_SETTING: Final = "coarse 20"
"""What `facewire encode` does when nothing else is said; ratios are taken here."""
STANDARD_SETTING: Final = f"standard {ADAPTIVE}"
OUR_SETTINGS: Final = (f"coarse {ADAPTIVE}", DEFAULT_SETTING, STANDARD_SETTING, "standard 20", "fine 20")
KEY_SETTINGS: Final = tuple(
    step if quality == FIRST_QUALITY else f"{step} key {quality}"
    for quality in (75, FIRST_QUALITY, 45, 30)
    for step in (DEFAULT_SETTING, STANDARD_SETTING, "fine 20")
)
"""The key picture at four qualities, each with motion at three steps."""


@dataclass(frozen=True, slots=True)
class TalkMethod:
    """Ours in one profile.

    animator  whose networks read and render
    profile   file or stream
    refresh   what is sent when the synthesis fails
    settings  tables and keypoints, and, where it is not the default, the quality of the key picture
    """

    animator: Animator
    profile: str
    refresh: str = SOURCE
    settings: Sequence[str] = OUR_SETTINGS

    @property
    def name(self) -> str:
        return f"{OURS} {self.profile}" + ("" if self.refresh == SOURCE else f" refresh {self.refresh}")

    def code(self, clip: Clip, setting: str, stride: int) -> Coded:
        rate, keypoints, *key = setting.split()
        quality = int(key[1]) if key else FIRST_QUALITY
        options = EncodeOptions(
            profile=self.profile,
            rate=rate,
            keypoints=int(keypoints) if keypoints.isdecimal() else ADAPTIVE,
            size=clip.side,
            refresh=self.refresh,
            confirm_after=STREAM_LAG,
            still_quality=quality,
            refresh_quality=min(quality, LATER_QUALITY),
        )
        talk = io.BytesIO()
        held = _Held(clip, self.animator.size, ahead=self.profile == FILE)
        report = encode(self.animator, held, talk, options, output=self.name)
        refresh = report.refresh_bytes
        cost = Cost(report.source_bytes, report.motion_bytes + refresh, clip.seconds, refresh)
        talk.seek(0)
        return Coded(cost, _pictures(talk, self.animator, clip.side, stride))


def own_methods(animator: Animator, settings: Sequence[str] = OUR_SETTINGS) -> list[Method]:
    """Return ours."""
    kinds = ((FILE, SOURCE), ("stream", SOURCE), (FILE, OFF), (FILE, PATCH))
    return [TalkMethod(animator, profile, refresh, settings) for profile, refresh in kinds]


def anchor_methods() -> list[AnchorMethod]:
    """Return the others, those that cannot be run here included."""
    return [AnchorMethod(anchor) for anchor in ANCHORS]


class _Held:
    """A clip in the shape that the encoder reads.

    Args:
        clip: the pictures.
        size: the side of the networks' pictures.
        ahead: whether the clip can be seen before it is coded, as a file can and a live stream cannot.
    """

    def __init__(self, clip: Clip, size: int, *, ahead: bool) -> None:
        self.name = "clip"
        self.rate = clip.rate
        self.expected: int | None = len(clip.pictures)
        self.tap = SoundTap()
        self._pictures, self._size, self._ahead = clip.pictures, size, ahead

    def __iter__(self) -> Iterator[HeadSquare]:
        for picture in self._pictures:
            small = picture if len(picture) == self._size else resize(picture, (self._size, self._size))
            yield HeadSquare(small, small, picture)

    def preview(self) -> Iterator[HeadSquare]:
        return iter(self) if self._ahead else iter(())


def _pictures(talk: io.BytesIO, animator: Animator, side: int, stride: int) -> Iterator[Pixels]:
    """Yield the wanted pictures; the others need not be rendered, since none builds on another."""
    receiver = Receiver(animator, side=side)
    for item in TalkReader(talk, shelf_of(animator).find):
        if isinstance(item, DecodedFrame) and item.number % stride:
            continue
        yield from (shown.picture for shown in receiver.take(item))
    yield from (shown.picture for shown in receiver.flush())
