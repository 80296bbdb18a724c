"""What is in a talk: header, bytes by kind, bytes and keypoints a frame. Pictures and sound are not decoded."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from facewire.base.files import Readable
from facewire.bitstream import sections as kinds
from facewire.bitstream.header import FILE, MAJOR, RAW, STREAM
from facewire.bitstream.sections import Audio, Patch
from facewire.codec.costs import Costs
from facewire.codec.decoder import DecodedFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import Item, SourcePicture, Talk, TalkReader, UpToDamage

SECTION_NAMES = {
    kinds.SOURCE: "source",
    kinds.MOTION: "motion",
    kinds.AUDIO_HEAD: "audio head",
    kinds.AUDIO: "audio",
    kinds.PATCH: "patch",
    kinds.REFERENCE: "reference",
    kinds.RECALL: "recall",
    kinds.INDEX: "index",
    kinds.END: "end",
}
PROFILE_NAMES = {STREAM: "stream", FILE: "file", RAW: "raw"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Numbers over the frames."""

    mean: float
    min: float
    max: float
    median: float

    @classmethod
    def of(cls, values: list[float], mean: float | None = None) -> Spread:
        """Return the spread; `mean` if it is known better than from the values."""
        if not values:
            return cls(mean=mean or 0.0, min=0.0, max=0.0, median=0.0)
        average = statistics.fmean(values) if mean is None else mean
        return cls(mean=average, min=min(values), max=max(values), median=statistics.median(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A source image or a patch: its first frame, type and bytes."""

    kind: str
    frame: int
    mime: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSum:
    """Sections of one type: how many, and their bytes with heads and checksums."""

    kind: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A frame in the packet table."""

    frame: int
    epoch: int
    bytes: float
    """Its share of the stream; fractions in profile file, where frames share bytes."""
    keypoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkInfo:
    """A talk. Every byte is in exactly one of source, refresh, audio and motion.

    source_bytes     the section of the first source image
    refresh_bytes    sections of later source images and of patches
    audio_bytes      sections of the sound
    motion_bytes     all the rest: header, motion, index, end
    complete         False if it is cut off or damaged; the numbers are those of what precedes
    problem          where and why it ends early, "" if it does not
    carrier          the video stream that it travels in, "" for a file of its own
    bytes_per_frame  of motion alone; mean: motion_bytes by frames; min, max, median: of the frames' own shares
    costs            all kinds by the frame and by the second, and their sums
    """

    profile: str
    version: int
    tables: int
    tables_name: str
    tables_hash: str
    model_fingerprint: str
    width: int
    height: int
    fps: float
    frames: int
    seconds: float
    complete: bool
    problem: str
    carrier: str
    file_bytes: int
    source_bytes: int
    refresh_bytes: int
    motion_bytes: int
    audio_bytes: int
    audio_packets: int
    bytes_per_frame: Spread
    costs: Costs
    keypoints: Spread
    sections: list[SectionSum]
    pictures: list[Picture]
    packets: list[Packet]


def inspect(source: Readable, find_tables: Callable[[int, bytes], CodecTables | None]) -> TalkInfo:
    """Return what is in a talk.

    Args:
        source: the bytes.
        find_tables: see `TalkReader`.

    Raises:
        BitstreamError: it is no talk, or its header is damaged.
    """
    return inspect_talk(TalkReader(source, find_tables))


def inspect_talk(reader: Talk) -> TalkInfo:
    """Return what is in a talk that nothing was read of yet."""
    count, items = _Count(reader), UpToDamage(reader)
    for item in items:
        count.take(item)
    return count.info("" if items.problem is None else str(items.problem))


class _Count:
    """Adds up what a reader delivers."""

    def __init__(self, reader: Talk) -> None:
        self._reader = reader
        self._pictures: list[Picture] = []
        self._packets: list[Packet] = []
        self._sound_packets = 0
        self._counted = {kinds.SOURCE: 0, kinds.PATCH: 0}

    def take(self, item: Item) -> None:
        """Count an item in."""
        if isinstance(item, DecodedFrame):
            size = item.bits / 8
            used = item.motion.used
            self._packets.append(Packet(frame=item.number, epoch=item.epoch, bytes=size, keypoints=used))
        elif isinstance(item, SourcePicture):
            self._picture("source", kinds.SOURCE, item.frame, item.mime or _earlier(item))
        elif isinstance(item, Patch):
            self._picture("patch", kinds.PATCH, item.frame, kinds.MIME_TYPES[item.mime])
        elif isinstance(item, Audio):
            self._sound_packets += len(item.packets)

    def _picture(self, name: str, kind: int, frame: int, mime: str) -> None:
        by_kind = self._reader.section_bytes
        now = by_kind[kind] + (by_kind.get(kinds.RECALL, 0) if kind == kinds.SOURCE else 0)
        size = now - self._counted[kind]
        self._counted[kind] = now
        self._pictures.append(Picture(kind=name, frame=frame, mime=mime, bytes=size))

    def info(self, problem: str) -> TalkInfo:
        """Return the sums."""
        header, by_kind = self._reader.header, self._reader.section_bytes
        source = self._pictures[0].bytes if self._pictures else 0
        refresh = sum(picture.bytes for picture in self._pictures[1:])
        audio = by_kind.get(kinds.AUDIO_HEAD, 0) + by_kind.get(kinds.AUDIO, 0)
        motion = self._reader.offset - source - refresh - audio
        frames = len(self._packets)
        return TalkInfo(
            profile=PROFILE_NAMES[header.profile],
            version=MAJOR,
            tables=header.table,
            tables_name=self._reader.tables_name,
            tables_hash=header.table_hash.hex(),
            model_fingerprint=header.fingerprint.hex(),
            width=header.width,
            height=header.height,
            fps=float(header.fps),
            frames=frames,
            seconds=frames / float(header.fps),
            complete=not problem,
            problem=problem,
            carrier=self._reader.carrier,
            file_bytes=self._reader.offset,
            source_bytes=source,
            refresh_bytes=refresh,
            motion_bytes=motion,
            audio_bytes=audio,
            audio_packets=self._sound_packets,
            bytes_per_frame=Spread.of([packet.bytes for packet in self._packets], motion / max(1, frames)),
            costs=Costs.of(
                motion=motion, refreshes=refresh, first=source, sound=audio, frames=frames, fps=header.fps
            ),
            keypoints=Spread.of([float(packet.keypoints) for packet in self._packets]),
            sections=[
                SectionSum(kind=SECTION_NAMES.get(kind, f"type {kind}"), count=count, bytes=by_kind[kind])
                for kind, count in sorted(self._reader.section_counts.items())
            ],
            pictures=self._pictures,
            packets=self._packets,
        )


def _earlier(source: SourcePicture) -> str:
    """Return which picture a source without one keeps."""
    return "the one before" if source.recalls is None else f"the one of source {source.recalls}"
