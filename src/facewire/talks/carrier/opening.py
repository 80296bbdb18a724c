"""Talks however they come: a .fwv file, or a video stream that carries one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from facewire.base.errors import BitstreamError, MediaError
from facewire.bitstream.header import MAGIC
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import TalkReader
from facewire.media.carrier.coded_video import CodedReader, VideoUnit
from facewire.talks.carrier.reader import CarrierReader, carries_face


def open_talk(
    source: BinaryIO,
    find_tables: Callable[[int, bytes], CodecTables | None],
    *,
    name: str,
    tolerant: bool = False,
) -> TalkReader | CarrierReader:
    """Return the reader of a talk.

    Args:
        source: file or pipe; what is no video is taken as a .fwv file, which says what is wrong with it.
        find_tables, tolerant: see `TalkReader`.
        name: for error texts.

    Raises:
        BitstreamError: it is no talk, or its beginning is damaged.
    """
    if _beginning(source) != MAGIC:
        try:
            return CarrierReader(source, find_tables, name=name, tolerant=tolerant)
        except MediaError:
            if not source.seekable():
                raise
            source.seek(0)
    return TalkReader(source, find_tables, tolerant=tolerant)


def carries_talk(path: str | Path) -> bool:
    """Return whether a file is a video that carries face messages beside its first picture."""
    try:
        with Path(path).open("rb") as stream, CodedReader(stream, str(path)) as video:
            first = next((unit for unit in video if isinstance(unit, VideoUnit)), None)
            return first is not None and carries_face(first, video.codec)
    except (OSError, MediaError, BitstreamError):
        return False


def _beginning(source: BinaryIO) -> bytes:
    """Return the first bytes, which stay to be read."""
    if source.seekable():
        found = source.read(len(MAGIC))
        source.seek(0)
        return found
    peek = cast("Callable[[int], bytes]", getattr(source, "peek", lambda size: MAGIC))
    return peek(len(MAGIC))[: len(MAGIC)]
