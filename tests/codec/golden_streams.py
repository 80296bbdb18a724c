"""How the golden streams are made: one function a stream, the same for the script and for the tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from facewire.base.errors import BitstreamError
from facewire.bitstream.header import FILE, RAW, STREAM, Profile
from facewire.bitstream.sections import MIME_AV1, MIME_NONE, MIME_PNG, MIME_WEBP, Audio, AudioHead, Patch
from facewire.codec.decoder import DecodedFrame
from facewire.codec.encoder import Choose
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import TalkReader, TalkWriter, talk_header

from .motion import Floats, frames_of

Value = TypeVar("Value")
FOLDER = Path(__file__).parent / "golden"
WEIGHTS = bytes(range(32))
"""Stands in for the SHA-256 of a weights file."""
PICTURE = b"\x89PNG not really a picture"
BARE = bytes.fromhex(
    "100010000a09180cffdb2021a0d08032241c478785ddc0002c614000757783d916f9db6e5dffe3deaa29cdf3eeddda8f"
    "4990fcfb48"
)
"""16 x 16 pixels, quality 30."""


def write_stream(name: str, motion: Floats, tables: CodecTables) -> bytes:
    """Return the bytes of a golden stream."""
    return STREAMS[name](frames_of(motion), tables)


def decoded_vectors(data: bytes, tables: CodecTables) -> Floats:
    """Return what a stream decodes to: rows of frame number, epoch, kept and all components."""
    rows = [
        np.concatenate(([item.number, item.epoch, item.motion.used], item.motion.vector()))
        for item in TalkReader(io.BytesIO(data), lambda *_: tables)
        if isinstance(item, DecodedFrame)
    ]
    return np.array(rows, dtype=np.float32)


def until_error(items: Iterable[Value]) -> tuple[list[Value], BitstreamError | None]:
    """Return what an iterator gives until it ends or raises BitstreamError, and that error."""
    got = []
    try:
        for item in items:
            got.append(item)
    except BitstreamError as error:
        return got, error
    return got, None


def talk(
    profile: Profile,
    tables: CodecTables,
    *,
    group: int | None = None,
    confirm_after: int | None = None,
    references: bool = False,
    recalls: bool = False,
    bare: bool = False,
    size: tuple[int, int] = (256, 256),
) -> tuple[io.BytesIO, TalkWriter]:
    """Return a sink and the writer of a talk into it."""
    sink = io.BytesIO()
    header = talk_header(
        profile,
        None if profile == RAW else tables,
        weights_sha256=WEIGHTS,
        size=size,
        fps=Fraction(30000, 1001),
        keypoints=tables.keypoints,
        references=references,
        recalls=recalls,
        bare=bare,
    )
    used = None if profile == RAW else tables
    return sink, TalkWriter(sink, header, used, group=group, confirm_after=confirm_after)


def _file(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    sink, writer = talk(FILE, tables, group=20)
    writer.source(frames[0], PICTURE, MIME_PNG)
    for frame in frames:
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _adaptive(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    sink, writer = talk(FILE, tables, group=30)
    writer.source(None, PICTURE, MIME_PNG)
    for number, frame in enumerate(frames):
        writer.frame(frame, _fixed(1 + number // 3 % tables.keypoints))
    writer.finish(index=False)
    return sink.getvalue()


def _stream(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    sink, writer = talk(STREAM, tables, confirm_after=4)
    writer.source(frames[0], PICTURE, MIME_PNG)
    for frame in frames:
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _everything(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    """All kinds of sections, and sources that change in the middle."""
    sink, writer = talk(FILE, tables, group=20)
    writer.source(frames[0], PICTURE, MIME_PNG)
    writer.audio_head(AudioHead(1, 312, 48000))
    for number, frame in enumerate(frames):
        if number == 25:
            writer.source(frame, PICTURE[::-1], MIME_WEBP)
        if number == 45:
            writer.source(frame, b"", MIME_NONE)
        if number % 10 == 0:
            writer.audio(Audio(number * 1920, (bytes([120, number]), b"", bytes(number))))
        if number == 33:
            writer.patch(Patch(number, 12, 16, 32, 64, 48, MIME_WEBP, PICTURE * 2))
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _raw(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    sink, writer = talk(RAW, tables)
    writer.source(None, PICTURE, MIME_PNG)
    for number, frame in enumerate(frames[:20]):
        kept = 1 + number % tables.keypoints
        writer.frame(MotionFrame(frame.angles, frame.translation, frame.expression, kept))
    writer.finish()
    return sink.getvalue()


def _references(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    """Version 1.1: what stands for rest, before the first frame and in the middle."""
    sink, writer = talk(FILE, tables, group=20, references=True)
    writer.source(frames[0], PICTURE, MIME_PNG)
    for number, frame in enumerate(frames):
        if number in (0, 30):
            writer.reference(frames[number + 5])
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _recalls(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    """Version 1.2: pictures of before are named again."""
    sink, writer = talk(FILE, tables, group=20, recalls=True)
    writer.source(frames[0], PICTURE, MIME_PNG)
    for number, frame in enumerate(frames):
        if number == 15:
            writer.source(frame, PICTURE[::-1], MIME_WEBP)
        if number in (30, 50):
            writer.recall(frames[0] if number == 30 else frames[15], 0 if number == 30 else 1)
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _large(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    """Pictures of 512 pixels: the header says so, a patch lies where 256 have none, and motion is as it always is."""
    sink, writer = talk(FILE, tables, group=20, recalls=True, size=(512, 512))
    writer.source(frames[0], PICTURE, MIME_PNG)
    for number, frame in enumerate(frames):
        if number == 25:
            writer.source(frame, PICTURE[::-1], MIME_WEBP)
        if number == 33:
            writer.patch(Patch(number, 12, 384, 300, 128, 212, MIME_WEBP, PICTURE * 2))
        if number == 50:
            writer.recall(frames[0], 0)
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _bare(frames: list[MotionFrame], tables: CodecTables) -> bytes:
    """Version 1.3: pictures without their container."""
    sink, writer = talk(FILE, tables, group=20, references=True, recalls=True, bare=True)
    writer.source(frames[0], BARE, MIME_AV1)
    for number, frame in enumerate(frames):
        if number == 0:
            writer.reference(frames[5])
        if number == 25:
            writer.source(frame, BARE, MIME_AV1)
        if number == 33:
            writer.patch(Patch(number, 12, 16, 32, 16, 16, MIME_AV1, BARE))
        if number == 50:
            writer.recall(frames[0], 0)
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def _fixed(count: int) -> Choose:
    return lambda _: count


STREAMS: dict[str, Callable[[list[MotionFrame], CodecTables], bytes]] = {
    "file": _file,
    "adaptive": _adaptive,
    "stream": _stream,
    "everything": _everything,
    "raw": _raw,
    "references": _references,
    "recalls": _recalls,
    "large": _large,
    "bare": _bare,
}
