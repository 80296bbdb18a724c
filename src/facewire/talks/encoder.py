"""A video becomes a talk: source image once, then motion, sound and, where the synthesis fails, pictures again.

    head crops -> motion of each -> codec -> .fwv            (talks/squares.py, codec/talk.py)
      crops seen ahead -> of each shot a picture from the middle and the motion of rest     (talks/outlook.py)
      that picture, else the first crop with a face in the light -> still -> Person as the receiver sees it
      every crop <-> what the receiver would show -> failed? -> new source or patch   (talks/refresh.py)
    sound      -> Opus, written just before the motion that it belongs to
    into an H.264 or H.265 stream instead of a .fwv file   (talks/carrier/)

Everything streams; memory does not grow with the length of the video.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from facewire.animation.animator import BATCH, Animator, Person, Pixels
from facewire.animation.driving import HeadSquare, read_squares
from facewire.animation.second_look import look_again
from facewire.animation.survey import Progress
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, NoFaceFound
from facewire.bitstream.header import FILE, RAW, STREAM, Header, Profile
from facewire.bitstream.sections import (
    MIME_NONE,
    MIME_TYPES,
    MOST_AUDIO,
    MOST_FRAMES,
    Audio,
    AudioHead,
    Patch,
)
from facewire.codec.costs import Costs
from facewire.codec.encoder import Choose
from facewire.codec.state import MotionFrame
from facewire.codec.sufficiency import LIMIT, adaptive
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import TalkWriter, talk_header
from facewire.geometry.arrays import as_array
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import place
from facewire.media.image import resize
from facewire.media.sound.sound_encoder import PACKET
from facewire.media.still import AV1, decode_still, encode_still
from facewire.networks.carry import carry_of
from facewire.talks.bridge import to_frames, to_motions
from facewire.talks.carrier.writer import Carrier, CarrierWriter
from facewire.talks.coding_tables import tables_of, usual_rate
from facewire.talks.outlook import Outlook, look_ahead
from facewire.talks.patches import Patches
from facewire.talks.picture_size import checked_side
from facewire.talks.refresh import MODES, OFF, PATCH, SOURCE, Box, Refresher
from facewire.talks.source_choice import KnownSource, NewSource, SourceChoice
from facewire.talks.squares import Squares

PROFILES: Final[dict[str, Profile]] = {"file": FILE, "stream": STREAM, "raw": RAW}
ADAPTIVE: Final = "adaptive"
ALL: Final = "all"
"""As many keypoints as each frame needs."""
MIME_IDS: Final = {text: number for number, text in MIME_TYPES.items()}
GROUP_SECONDS = 10
"""Length of a group in profile file: how far apart the points to start from lie."""
LIVE_GROUP_SECONDS = 1
"""The same when somebody reads along."""
LOOKS, LIVE_LOOKS = 2, 1
"""How often a frame is looked at in a file, and where somebody reads along: each further look is a rendering."""
MOST_DARK = 250
"""Frames with a face in the dark that are waited through for a source picture in the light."""
FIRST_QUALITY: Final = 60
LATER_QUALITY: Final = 40
"""Of pictures by default: two thirds of the bytes of 75 and 50, for a twentieth of the distance to the truth
(docs/lab/2026-11-30-first-picture.md)."""
LOWEST_AUDIO_RATE, HIGHEST_AUDIO_RATE = 8000, 192000
"""Of the original sound, as the header can say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeOptions:
    """How a talk is coded."""

    profile: str = "file"
    """file, stream or raw."""
    rate: str | None = None
    """fine, standard or coarse: how finely motion is quantised; None: `coding_tables.usual_rate`."""
    size: int | None = None
    """Side of the pictures that a receiver shows, 256 to 1024 pixels; None: the networks' own, 256. Motion costs the
    same whatever it is."""
    keypoints: int | str = ALL
    """How many of the ordered list are sent, "all", or "adaptive"."""
    limit: float = LIMIT
    """Adaptive: the quality threshold of `codec.sufficiency`, pixels of a 256-pixel picture."""
    still: str = AV1
    still_quality: int = FIRST_QUALITY
    """How the first picture is coded."""
    refresh_quality: int = LATER_QUALITY
    """Of later pictures, which last some seconds only."""
    budget: float | None = None
    """kbit/s that later source images may take, averaged from the beginning; None: what they are worth."""
    sound: bool = True
    kbit_per_s: int = 24
    """Of the sound."""
    looks: int | None = None
    """How often each frame is looked at: 1 reads its motion, each further time corrects it by what the receiver would
    show (animation/second_look.py); without a source photo of its own. None: twice, or once while somebody reads.
    """
    relative: bool = True
    """With a source photo of its own: carry changes since rest over, not the motion itself."""
    confirm_after: int | None = 5
    """Profile stream: frames until a packet counts as received; None: never."""
    refresh: str = "source"
    """What is sent when the synthesis fails: source, patch or off."""
    carrier: Carrier | None = None
    """An ordinary video stream that the talk travels in; its key pictures take the place of `still`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeReport:
    """What was written; bytes as `facewire info` counts them."""

    output: str
    frames: int
    fps: float
    file_bytes: int
    source_bytes: int
    motion_bytes: int
    refresh_bytes: int
    audio_bytes: int
    refreshes: int
    """Later pictures sent."""
    recalls: int
    """Earlier pictures named again."""
    costs: Costs
    """The same bytes by the frame and by the second, and their sums."""
    keypoints: float
    missing: int
    """Frames without a face; they hold the motion before."""
    seconds: float


def encode(
    animator: Animator,
    squares: Squares,
    sink: BinaryIO,
    options: EncodeOptions,
    *,
    output: str,
    photo: Pixels | None = None,
    live: bool = False,
    progress: Progress | None = None,
) -> EncodeReport:
    """Write a talk.

    Args:
        animator: whose networks read and, to find out what the receiver would show, render.
        squares: the video.
        sink: where the talk goes; it stays open.
        options: how.
        output: the sink's name, for the report.
        photo: the source image, a head crop of any size; None takes the video's first one with a face, and one more
            a shot.
        live: write a group a second instead of every ten, for somebody who reads along.
        progress: told after every batch.

    Raises:
        ConfigError: a setting is out of its range.
        NoFaceFound: no frame shows a face.
    """
    return _Encoding(animator, squares, sink, options, live).run(output, photo, progress)


class _Encoding:
    """One run of `encode`."""

    def __init__(
        self, animator: Animator, squares: Squares, sink: BinaryIO, options: EncodeOptions, live: bool
    ) -> None:
        profile = PROFILES.get(options.profile)
        if profile is None:
            raise ConfigError("profile", options.profile, ", ".join(PROFILES))
        self.animator, self.squares, self.options = animator, squares, options
        keypoints = animator.keypoints
        self.choose: Choose | None = None
        self.kept = keypoints if isinstance(options.keypoints, str) else options.keypoints
        if options.keypoints not in (ALL, ADAPTIVE, self.kept) or not 1 <= self.kept <= keypoints:
            raise ConfigError("keypoints", options.keypoints, f"1 to {keypoints}, {ALL}, or {ADAPTIVE}")
        tables = None if profile == RAW else tables_of(animator, options.rate or usual_rate(animator))
        self.adaptive_columns = tables.columns if tables and options.keypoints == ADAPTIVE else None
        if options.refresh not in MODES:
            raise ConfigError("refresh", options.refresh, ", ".join(MODES))
        self.mode = OFF if profile == RAW else options.refresh
        self.size = checked_side(options.size, animator.size)
        self.still_kind = options.still if options.carrier is None else options.carrier.codec
        header = talk_header(
            profile,
            tables,
            weights_sha256=bytes.fromhex(animator.manifest.sha256),
            size=(self.size, self.size),
            fps=squares.rate,
            keypoints=keypoints,
            references=True,
            recalls=self.mode == SOURCE,
            bare=self.still_kind == AV1,
        )
        self.looks = options.looks or (LIVE_LOOKS if live else LOOKS)
        group_seconds = LIVE_GROUP_SECONDS if live else GROUP_SECONDS
        group = min(MOST_FRAMES, max(1, round(group_seconds * squares.rate)))
        self.writer = self.writer_of(sink, header, tables, group)
        self.group = group
        self.patches = Patches()
        self.refresher = Refresher(animator, squares.rate)
        self.choice = SourceChoice(animator, self.still, self.read, squares.rate, options.budget)
        self.ahead: dict[int, Outlook] = {}
        self.person: Person
        self.epoch = -1
        self.source_bytes = self.refresh_bytes = self.audio_bytes = 0
        self.refreshes = self.recalls = self.missing = self.used = 0

    def run(self, output: str, photo: Pixels | None, progress: Progress | None) -> EncodeReport:
        begin = time.perf_counter()
        person = None if photo is None else self.animator.person(photo, crop_mode="none")
        own = person.identity.motion if person is not None and self.options.relative else None
        self.ahead = look_ahead(self.animator, self.squares, own, None if photo is not None else self.still)
        self.mode = OFF if person is not None else self.mode
        carry = carry_of(self.animator.foreign)
        stretch: int | None = None
        for square, motion, number, present in self.from_first_face():
            if stretch is None:
                self.source_bytes = self.source(*self.first_still(square, number, photo))
                self.sound_head()
                own = None if own is None else self.person.identity.motion
            if number != stretch:
                if stretch is not None and self.mode != OFF:
                    self.refreshes += 1
                    self.refresh_bytes += self.source(*self.still_of(square, number))
                rest = self.ahead[number].rest if number in self.ahead else motion
                if stretch is not None or self.ahead:  # without any, receivers start from the first frame
                    self.writer.reference(next(to_frames(rest if own is None else own)))
                stretch = number
            moved = motion if own is None else carry(motion, rest, own)
            self.frame(square, moved, self.looks if present and photo is None else 1)
            if progress is not None and self.writer.frames % BATCH == 0:
                progress("encoding", self.writer.frames, self.squares.expected)
        return self.finish(output, begin)

    def writer_of(
        self, sink: BinaryIO, header: Header, tables: CodecTables | None, group: int
    ) -> TalkWriter | CarrierWriter:
        """Return what writes the talk."""
        options, carrier = self.options, self.options.carrier
        if carrier is None:
            return TalkWriter(sink, header, tables, group=group, confirm_after=options.confirm_after)
        if header.profile != FILE or tables is None:
            raise ConfigError("profile", options.profile, "file, where a video stream carries the talk")
        if self.mode == PATCH:
            raise ConfigError("refresh", self.mode, "source or off, where a video stream carries the talk")
        if self.size % 2:
            raise ConfigError("size", self.size, "an even number, where a video stream carries the talk")
        qualities = options.still_quality, options.refresh_quality
        return CarrierWriter(
            sink, header, tables, carrier, qualities=qualities, where=self.places, group=group
        )

    def places(self, motion: MotionFrame) -> list[tuple[float, float]]:
        """Return where a motion has the keypoints of the person who is shown, picture units."""
        canonical = self.person.identity.canonical
        moved = place(canonical, to_motions([motion]))
        return [(float(x), float(y)) for x, y in moved.points[0, :, :2]]

    def first_still(self, square: HeadSquare, stretch: int, photo: Pixels | None) -> tuple[str, bytes]:
        """Return the picture that the talk starts from."""
        if photo is not None:
            return encode_still(self.reduced(photo), self.still_kind, self.options.still_quality)
        return self.still_of(square, stretch, first=True)

    def still_of(self, square: HeadSquare, stretch: int, *, first: bool = False) -> tuple[str, bytes]:
        """Return the picture that a stretch starts from: the square, where nothing was seen ahead."""
        outlook = self.ahead.get(stretch)
        return outlook.still if outlook and outlook.still else self.still(square, first)

    def looked(self, square: HeadSquare, motion: HeadMotion, looks: int) -> HeadMotion:
        """Return the motion of a frame of the source's own person after so many looks."""
        for _ in range(1, looks):
            motion = look_again(self.animator, self.person, [square.lit], motion, self.kept)
        return motion

    def from_first_face(self) -> Iterator[tuple[HeadSquare, HeadMotion, int, bool]]:
        """Yield every frame with its motion, where there is no face the one before, the stretch that it is from, and
        whether there is a face.

        What comes before the first face in the light is yielded with that face's picture, since it is the source.
        """
        early: list[HeadMotion | None] = []
        held: HeadMotion | None = None
        begun, dark, number = False, 0, 0
        for batch in in_batches(self.squares, BATCH):
            motions, present = read_squares(self.animator, batch)
            for row, square in enumerate(batch):
                self.missing += not present[row]
                if present[row]:
                    held, number = motions[row : row + 1], square.stretch
                in_light = square.lit is square.picture or dark >= MOST_DARK
                if not begun and not (present[row] and in_light):
                    dark += present[row]
                    early.append(held)
                    continue
                assert held is not None
                if not begun:
                    begun = True
                    first = next((motion for motion in early if motion is not None), held)
                    yield from ((square, motion or first, number, False) for motion in early)
                yield square, held, number, present[row]
        if not begun:
            raise NoFaceFound(
                self.squares.name, "in no frame of the video; try --crop none if it is cropped already"
            )

    def frame(self, square: HeadSquare, read: HeadMotion, looks: int) -> None:
        """Code a frame by its motion as it was read and further looks; where the synthesis fails, a picture first."""
        number = self.writer.frames
        motion = self.looked(square, read, looks)
        if self.mode == SOURCE:
            chosen = self.choice.choose(number, self.person, motion, square)
            if chosen is not None:
                self.refresh(chosen)
                motion = self.looked(square, read, looks)  # it fits the new picture, not the one before
        elif self.mode == PATCH:
            truth = square.at(self.size)
            box = self.refresher.failed(number, self.person, motion, truth, self.patches)
            if box is not None:
                self.refreshes += 1
                self.refresh_bytes += self.patch(truth, box)
        if (number + 1) % self.group == 0:
            self.sound(number + 1)
        (row,) = to_frames(motion, self.kept)
        self.writer.frame(row, self.choose)
        self.used += self.kept if self.choose is None else self.writer.latest.used

    def cut(self, square: HeadSquare) -> Pixels:
        """Return a frame as a source picture: as large as what is shown, but no larger than the video has it.

        The pictures of a stream are all of one size.
        """
        if self.options.carrier is not None:
            return square.at(self.size)
        return square.at(min(self.size, max(square.own_side, self.animator.size)))

    def reduced(self, photo: Pixels) -> Pixels:
        """Return a head crop as a source picture, no larger than what is shown."""
        if self.options.carrier is not None:
            return resize(photo, (self.size, self.size))
        side = min(self.size, max(min(photo.shape[:2]), self.animator.size))
        return resize(photo, (side, side))

    def still(self, square: HeadSquare, first: bool = False) -> tuple[str, bytes]:
        """Return a frame as a picture, the first or a later one."""
        quality = self.options.still_quality if first else self.options.refresh_quality
        return encode_still(self.cut(square), self.still_kind, quality)

    def read(self, kind: str, data: bytes) -> Person:
        """Return the person as the receiver sees it."""
        return self.animator.person(decode_still(data, kind, "source"), crop_mode="none", size=self.size)

    def source(self, kind: str, data: bytes) -> int:
        """Send a source image and return the bytes."""
        return self.send(NewSource(kind, data, self.read(kind, data)))

    def refresh(self, chosen: KnownSource | NewSource) -> None:
        """Change to the source that was chosen."""
        if isinstance(chosen, KnownSource):
            self.recalls += 1
            self.choice.bank.recall(chosen.epoch)
            self.epoch += 1
            self.refresh_bytes += self.writer.recall(self.take(chosen.person), chosen.epoch)
        else:
            self.refreshes += 1
            self.refresh_bytes += self.send(chosen)

    def send(self, new: NewSource) -> int:
        """Send a picture and return the bytes."""
        self.epoch += 1
        self.choice.bank.add(self.epoch, new.person)
        return self.writer.source(self.take(new.person), new.data, MIME_IDS.get(new.kind, MIME_NONE))

    def take(self, person: Person) -> MotionFrame:
        """Go on with a source, and return its own motion."""
        self.person = person
        if self.adaptive_columns is not None:
            canonical = as_array(self.person.identity.canonical.points[0]).astype(np.float64)
            self.choose = adaptive(canonical, self.adaptive_columns, self.options.limit)
        self.patches.new_source()
        (own,) = to_frames(person.identity.motion)
        return own

    def patch(self, picture: Pixels, box: Box) -> int:
        """Send a region, and return the bytes."""
        kind, data = encode_still(box.of(picture), self.options.still, self.options.refresh_quality)
        number = self.writer.frames
        patch = Patch(number, 0, box.left, box.top, box.width, box.height, MIME_IDS[kind], data)
        self.patches.add(patch)
        return self.writer.patch(patch)

    def sound_head(self) -> None:
        """Say how the sound is coded, if there is any."""
        encoder = self.squares.tap.encoder
        if encoder is not None:
            rate = min(max(encoder.rate, LOWEST_AUDIO_RATE), HIGHEST_AUDIO_RATE)
            self.audio_bytes += self.writer.audio_head(AudioHead(encoder.channels, encoder.pre_skip, rate))

    def sound(self, frames: int) -> None:
        """Send the sound of the first `frames` frames, as far as it is not sent: a receiver wants it before them."""
        encoder = self.squares.tap.encoder
        if encoder is None:
            return
        first, packets = encoder.packets(frames / self.squares.rate)
        for at in range(0, len(packets), MOST_AUDIO):
            some = tuple(packets[at : at + MOST_AUDIO])
            self.audio_bytes += self.writer.audio(Audio((first + at) * PACKET, some))

    def finish(self, output: str, begin: float) -> EncodeReport:
        """Write what is left and return the report."""
        if self.squares.tap.encoder is not None:
            self.squares.tap.encoder.finish()
        self.sound(self.writer.frames)
        self.writer.finish()
        frames, size = self.writer.frames, self.writer.written
        motion = size - self.source_bytes - self.refresh_bytes - self.audio_bytes
        return EncodeReport(
            output=output,
            frames=frames,
            fps=float(self.squares.rate),
            file_bytes=size,
            source_bytes=self.source_bytes,
            motion_bytes=motion,
            refresh_bytes=self.refresh_bytes,
            audio_bytes=self.audio_bytes,
            refreshes=self.refreshes,
            recalls=self.recalls,
            costs=Costs.of(
                motion=motion,
                refreshes=self.refresh_bytes,
                first=self.source_bytes,
                sound=self.audio_bytes,
                frames=frames,
                fps=self.squares.rate,
            ),
            keypoints=self.used / frames,
            missing=self.missing,
            seconds=time.perf_counter() - begin,
        )
