"""Which sound track of a file is its sound: one rule for all that take sound along.

    decodable -> the file's default -> no commentary, no aid for those who see or hear badly -> the first

Players choose alike, but for the language, which a program cannot know. Of a file the first packets are decoded to
see whether that works; of a pipe it is only known whether there is a decoder.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition

from facewire.media.libav_errors import FOREIGN, reading

_log = logging.getLogger(__name__)

_ASIDE: Final = (
    Disposition.comment
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
    | Disposition.descriptions
    | Disposition.karaoke
    | Disposition.lyrics
    | Disposition.clean_effects
    | Disposition.dependent
)
"""What a track that is not the talk itself says of itself."""

_FAILURES = 50
"""Packets of a track that give no sound, after which it counts as one that cannot be decoded."""
_LOOKED_AT = 4000
"""Packets of all streams that are looked at; a track that begins later is taken as it says."""


def sound_of_file(path: str | Path, container: InputContainer) -> AudioStream | None:
    """Return the sound track of an open file, None if it has none that can be decoded.

    Args:
        path: the file, which is opened once more.
        container: the same file, not read from yet.

    Raises:
        MediaError: it cannot be opened.
    """
    ranked = _ranked(container.streams.audio)
    if ranked:
        failed = _failed(path, [stream.index for stream in ranked])
        ranked = [stream for stream in ranked if stream.index not in failed]
    first = min(container.streams.audio, key=_rank, default=None)
    if first is not None and (not ranked or ranked[0].index != first.index):
        remedy = f"track {ranked[0].index} is taken" if ranked else "it is left out"
        _log.warning("%s: the sound, track %d, cannot be decoded: %s", path, first.index, remedy)
    return ranked[0] if ranked else None


def sound_of_pipe(container: InputContainer) -> AudioStream | None:
    """Return the sound track of what can be read only once."""
    return next(iter(_ranked(container.streams.audio)), None)


def _ranked(streams: Iterable[AudioStream]) -> list[AudioStream]:
    """Return the tracks that have a decoder and say how many samples make a second, best first."""
    return sorted((stream for stream in streams if _is_usable(stream)), key=_rank)


def _rank(stream: AudioStream) -> tuple[bool, bool, int]:
    """Return what puts the best track first."""
    is_default = bool(stream.disposition & Disposition.default)
    return not is_default, bool(stream.disposition & _ASIDE), stream.index


def _is_usable(stream: AudioStream) -> bool:
    # PyAV's annotation says that there always is a decoder; there is none for codecs unknown to its libav.
    context = cast("AudioCodecContext | None", stream.codec_context)
    return context is not None and context.sample_rate > 0 and context.channels > 0


def _failed(path: str | Path, ranked: list[int]) -> set[int]:
    """Return which tracks cannot be decoded, as far as one must know to choose the best one that can."""
    given, decoded, failed = Counter[int](), set[int](), set[int]()
    with (
        reading(path),
        av.open(
            f"file:{path}", metadata_errors="replace", container_options={"protocol_whitelist": "file"}
        ) as container,
    ):
        packets = container.demux()
        for _ in range(_LOOKED_AT):
            try:
                packet = next(packets, None)
            except FOREIGN:
                break
            if packet is None or (best := _best(ranked, failed)) is None or best in decoded:
                break
            index = packet.stream_index
            if index not in ranked or index in decoded or packet.size == 0:
                continue
            given[index] += 1
            if _sounds(container.streams[index], cast("Packet[AudioStream]", packet)):
                decoded.add(index)
            elif given[index] >= _FAILURES:
                failed.add(index)
    return failed | {index for index in given if index not in decoded}


def _best(ranked: list[int], failed: set[int]) -> int | None:
    return next((index for index in ranked if index not in failed), None)


def _sounds(stream: object, packet: Packet[Any]) -> bool:
    """Return whether a packet gives sound."""
    assert isinstance(stream, AudioStream)
    try:
        return bool(stream.decode(packet))
    except FOREIGN:
        return False
