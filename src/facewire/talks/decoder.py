"""A talk becomes pictures: the receiver, with whatever view and identity it likes.

    .fwv, or a video stream that carries a talk -> source image -> Person
         -> motion -> relative to another person's -> turned -> rendered -> patches on top -> picture, its number
         -> sound  -> OpusFeed of the video that is written

Everything streams. What is seen and who is seen is decided here and costs no bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from facewire.animation.animator import BATCH, Animator, Person, Pixels
from facewire.animation.survey import Progress
from facewire.animation.view import ViewPath
from facewire.base.errors import BitstreamError, ConfigError, MissingReference, MotionFileError
from facewire.bitstream.bank import Bank
from facewire.bitstream.header import FINGERPRINT_BYTES, RAW, Header
from facewire.bitstream.packet import EPOCHS
from facewire.bitstream.sections import Audio, AudioHead, Patch
from facewire.codec.decoder import DecodedFrame
from facewire.codec.talk import Item, SourcePicture, TalkReference, UpToDamage
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame
from facewire.media.sound.opus_track import OpusFeed, OpusHead
from facewire.media.still import decode_still
from facewire.media.video import VideoWriter
from facewire.networks.carry import carry_of
from facewire.talks.bridge import to_motions
from facewire.talks.carrier.opening import open_talk
from facewire.talks.coding_tables import shelf_of
from facewire.talks.patches import Patches
from facewire.talks.picture_size import LEAST_SIDE, MOST_SIDE, MOST_SOURCE_PIXELS, can_be_shown

MOST_RESTS = 4
"""Motions of rest that are held, the newest; frames come late by less than that."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture and the number of the frame it is."""

    number: int
    picture: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeOptions:
    """How a talk is shown."""

    view: ViewPath = field(default_factory=ViewPath)
    """What the receiver adds to the pose."""
    relative: bool = True
    """With another identity: its own pose and expression plus the talker's changes."""
    tolerant: bool = False
    """Go on after damage."""
    crf: int = 18
    overwrite: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeReport:
    """What was done."""

    output: str
    frames: int
    sources: int
    patches: int
    skipped: int
    """Damaged sections and packets passed over."""
    problem: str
    """Where and why the talk ends early, "" if it does not; everything before is in the output."""
    seconds: float
    frames_per_second: float


class Receiver:
    """Turns the items of a talk into pictures, in order.

    Args:
        animator: whose networks render.
        other: somebody else to show instead of the sources of the talk.
        options: how.
        frames: how many frames the talk has, for a view that sweeps; None if nobody knows.
        drops: whether keypoints beyond `kept` are unknown (profile raw) and not only held.
        side: of the pictures of the talk's own person, pixels; None: the networks' own.
    """

    def __init__(
        self,
        animator: Animator,
        *,
        other: Person | None = None,
        options: DecodeOptions | None = None,
        frames: int | None = None,
        drops: bool = False,
        side: int | None = None,
    ) -> None:
        self._drops, self._side = drops, side
        self._animator, self._other = animator, other
        self._options = options or DecodeOptions()
        if self._options.view.is_sweep and frames is None:
            raise ConfigError("view", "a sweep", "one angle, or a file: the length of a pipe is not known")
        self._steps = max(1, (frames or 1) - 1)
        self._people: dict[int, Person] = {}
        self._bank = Bank[Person]()
        self._patches = Patches()
        self._waiting: list[DecodedFrame] = []
        self._rests: list[tuple[int, HeadMotion]] = []
        self.sources = self.patches = 0

    def take(self, item: Item) -> Iterator[Shown]:
        """Take an item and yield the pictures that are ready."""
        if isinstance(item, DecodedFrame):
            if len(self._waiting) == BATCH or (self._waiting and self._parts(self._waiting[-1], item)):
                yield from self.flush()
            self._waiting.append(item)
        elif isinstance(item, TalkReference):
            yield from self.flush()
            self._rests = [*self._rests[1 - MOST_RESTS :], (item.frame, to_motions([item.motion]))]
        elif isinstance(item, SourcePicture):
            yield from self.flush()
            self._source(item)
        elif isinstance(item, Patch):
            yield from self.flush()
            if self._other is None:
                self._patches.add(item)
                self.patches += 1

    def flush(self) -> Iterator[Shown]:
        """Yield the pictures that were waiting for company."""
        frames, self._waiting = self._waiting, []
        if not frames:
            return
        person = self._people[frames[0].epoch] if self._other is None else self._other
        motions = self._seen(to_motions([frame.motion for frame in frames]), [f.number for f in frames])
        used = frames[0].motion.used if self._drops else None
        for frame, picture in zip(frames, self._animator.render(person, motions, kept=used), strict=True):
            yield Shown(frame.number, self._patches.over(picture, frame.number))

    def _parts(self, before: DecodedFrame, item: DecodedFrame) -> bool:
        """Return whether two frames cannot be rendered in one go."""
        return before.epoch != item.epoch or (self._drops and before.motion.used != item.motion.used)

    def _seen(self, motions: HeadMotion, numbers: list[int]) -> HeadMotion:
        """Return the motions as this receiver wants to see them."""
        if self._other is not None and self._options.relative:
            motions = self._of_other(motions, numbers, self._other.identity.motion)
        if self._options.view.is_still:
            return motions
        turns = [self._options.view.rotation(min(1.0, number / self._steps)) for number in numbers]
        return HeadMotion.cat([motions[i : i + 1].turned_at_neck(turn) for i, turn in enumerate(turns)])

    def _of_other(self, motions: HeadMotion, numbers: list[int], own: HeadMotion) -> HeadMotion:
        """Return what changed since rest, added to another person's own motion."""
        if not self._rests:
            self._rests.append((0, motions[:1]))
        carry = carry_of(self._animator.foreign)
        moved = []
        for row, number in enumerate(numbers):
            rests = [rest for frame, rest in self._rests if frame <= number] or [self._rests[0][1]]
            moved.append(carry(motions[row : row + 1], rests[-1], own))
        return HeadMotion.cat(moved)

    def _source(self, item: SourcePicture) -> None:
        """Take a source; the four newest are held, as in the format."""
        self.sources += 1
        self._patches.new_source()
        if self._other is not None:
            return
        self._people[item.epoch] = self._person(item)
        for old in [epoch for epoch in self._people if epoch <= item.epoch - EPOCHS]:
            del self._people[old]

    def _person(self, item: SourcePicture) -> Person:
        """Return who a source shows: somebody new, or an earlier picture."""
        if item.mime is not None:
            name = f"source image {item.epoch}"
            picture = decode_still(item.picture, item.mime, name, MOST_SOURCE_PIXELS)
            person = self._animator.person(picture, crop_mode="none", size=self._side)
            self._bank.add(item.epoch, person)
            return person
        if item.recalls is None:
            held = self._people[max(self._people)] if self._people else None
        else:
            held = self._bank.recall(item.recalls)
        if held is None:
            raise MissingReference(0, item.epoch - 1 if item.recalls is None else item.recalls, "source")
        return held


def decode(
    animator: Animator,
    source: BinaryIO,
    output: str | Path,
    options: DecodeOptions,
    *,
    name: str,
    other: Person | None = None,
    sink: BinaryIO | None = None,
    frames: int | None = None,
    progress: Progress | None = None,
) -> DecodeReport:
    """Render a talk into a video.

    Args:
        animator: whose networks render; they must be those that the talk was made with.
        source: the talk.
        output: .mp4, .mov, .mkv, .webm or .gif, written atomically; with a sink only its name.
        options: how it is shown.
        name: of the talk, for error texts.
        other: who is shown instead, as large as this person was prepared.
        sink: write Matroska there, as it comes.
        frames: how many there are, if known.
        progress: told after every picture.

    Raises:
        MotionFileError: it is no talk, is cut off or damaged before its first frame, or was made with other weights.
        MediaError: a picture in it cannot be read.
        OutputError: the output cannot be written.
    """
    begin = time.perf_counter()
    try:
        reader = open_talk(source, shelf_of(animator).find, name=name, tolerant=options.tolerant)
        check_header(reader.header, animator, name)
        header = reader.header
        receiver = Receiver(
            animator,
            other=other,
            options=options,
            frames=frames,
            drops=header.profile == RAW,
            side=header.width,
        )
        items = UpToDamage(reader)
        size = (header.width, header.height) if other is None else other.size
        count = _write(items, size, header.fps, receiver, output, options, sink, frames, progress)
    except BitstreamError as problem:
        raise MotionFileError(name, str(problem)) from problem
    seconds = time.perf_counter() - begin
    return DecodeReport(
        output=str(output),
        frames=count,
        sources=receiver.sources,
        patches=receiver.patches,
        skipped=reader.skipped,
        problem="" if items.problem is None else str(items.problem),
        seconds=seconds,
        frames_per_second=count / seconds,
    )


def check_header(header: Header, animator: Animator, name: str | Path) -> None:
    """Raise MotionFileError unless a talk was made with these weights and for pictures that they can make."""
    if header.fingerprint != bytes.fromhex(animator.manifest.sha256)[:FINGERPRINT_BYTES]:
        raise MotionFileError(
            name, "was made with other weights; make it again, or give its own with --weights"
        )
    if header.width != header.height or not can_be_shown(header.width, animator.size):
        limits = f"squares of {LEAST_SIDE} to {MOST_SIDE} pixels can be shown"
        raise MotionFileError(name, f"is for pictures of {header.width}x{header.height}; {limits}")


def _write(
    talk: UpToDamage,
    size: tuple[int, int],
    rate: Fraction,
    receiver: Receiver,
    output: str | Path,
    options: DecodeOptions,
    sink: BinaryIO | None,
    frames: int | None,
    progress: Progress | None,
) -> int:
    """Write the video and return how many pictures it has; a talk that is damaged before its first one raises."""
    items = iter(talk)
    early, feed = _opening(items)
    if talk.problem is not None and not any(isinstance(item, DecodedFrame) for item in early):
        raise talk.problem
    count = 0
    last = -1
    with VideoWriter(
        output,
        size,
        rate,
        audio_from=feed,
        crf=options.crf,
        overwrite=options.overwrite,
        sink=sink,
        synthetic=True,
    ) as writer:
        for item in chain(early, items, [None]):
            _hear(feed, item)
            for shown in receiver.flush() if item is None else receiver.take(item):
                if shown.number <= last:
                    continue
                last = shown.number
                writer.write(Frame(shown.picture, shown.number, 1 / rate))
                count += 1
                if progress is not None:
                    progress("rendering", count, frames)
    return count


def _opening(items: Iterator[Item]) -> tuple[list[Item], OpusFeed | None]:
    """Return what precedes the first frame, that included, and the feed of the sound if it is announced there."""
    early: list[Item] = []
    feed = None
    for item in items:
        early.append(item)
        if isinstance(item, AudioHead):
            feed = OpusFeed(OpusHead(item.channels, item.pre_skip, item.rate))
        if isinstance(item, DecodedFrame):
            break
    return early, feed


def _hear(feed: OpusFeed | None, item: Item | None) -> None:
    """Put the sound of an item into the feed."""
    if feed is None or not isinstance(item, Audio):
        return
    at = item.time
    for packet in item.packets:
        at += feed.put(packet, at)
