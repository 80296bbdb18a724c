"""Still pictures without their container: the AV1 key frame of an AVIF file, and a file around it again.

    AVIF file, 275 bytes of boxes and a key frame <-> width u16, height u16, key frame    (little endian)

The boxes say nothing that the frame does not, but its colours; here those are always sRGB in full range with the
matrix of BT.601, 8 bits, which is what Pillow writes. A small picture is a tenth smaller without them.

Source: AV1 Image File Format (AOM, 1.1.0); ISO/IEC 14496-12 and 23008-12 for the boxes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from facewire.base.errors import MediaError

BARE: Final = "image/av1"
"""The type of such bytes, in streams of ours only."""
_SIDES: Final = struct.Struct("<HH")
_DELIMITER: Final = b"\x12\x00"
"""An empty temporal delimiter, which need not stand before the only frame."""
_COLOURS: Final = (1, 13, 6, 0x80)
"""BT.709's primaries, sRGB's curve, BT.601's matrix, full range."""


def bare_of(avif: bytes) -> bytes | None:
    """Return the size and the key frame of an AVIF file; None where a file made of them would not be the same picture
    (several frames, other colours, other sampling)."""
    tops = dict(_boxes(avif))
    meta, frame = tops.get(b"meta"), tops.get(b"mdat")
    if meta is None or frame is None or len(frame) < len(_DELIMITER):
        return None
    place = meta.find(b"ispe")
    if place < 0:
        return None
    width, height = struct.unpack_from(">II", meta, place + 8)
    if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):
        return None
    bare = _SIDES.pack(width, height) + frame.removeprefix(_DELIMITER)
    wanted = dict(_boxes(avif_of(bare)))[b"meta"]
    return bare if _properties(meta) == _properties(wanted) else None


def avif_of(bare: bytes, name: str = "picture") -> bytes:
    """Return an AVIF file around a key frame.

    Raises:
        MediaError: the bytes are too few.
    """
    if len(bare) <= _SIDES.size:
        raise MediaError(name, "is damaged: it ends within its size")
    width, height = _SIDES.unpack_from(bare)
    frame = bare[_SIDES.size :]
    head = _box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf")
    start = len(head) + len(_meta(width, height, frame, 0)) + 8
    return head + _meta(width, height, frame, start) + _box(b"mdat", frame)


def _meta(width: int, height: int, frame: bytes, start: int) -> bytes:
    """Return the boxes that say what the frame is, and that it starts `start` bytes into the file."""
    properties = (
        _full(b"ispe", struct.pack(">II", width, height)),
        _full(b"pixi", b"\x03\x08\x08\x08"),
        _box(b"av1C", bytes((0x81, _level(frame), 0x0C, 0))),
        _box(b"colr", b"nclx", struct.pack(">HHHB", *_COLOURS)),
    )
    used = struct.pack(">IHB4B", 1, 1, 4, 1, 2, 0x83, 4)
    return _full(
        b"meta",
        _full(b"hdlr", bytes(4), b"pict", bytes(13)),
        _full(b"pitm", b"\x00\x01"),
        _full(b"iloc", b"\x44\x00", struct.pack(">HHHHII", 1, 1, 0, 1, start, len(frame))),
        _full(b"iinf", b"\x00\x01", _full(b"infe", b"\x00\x01\x00\x00av01\x00", version=2)),
        _box(b"iprp", _box(b"ipco", *properties), _full(b"ipma", used)),
    )


def _level(frame: bytes) -> int:
    """Return the level that a still picture's sequence header names: five bits after its profile and two flags."""
    return (frame[2] & 7) << 2 | frame[3] >> 6 if len(frame) > 3 else 0


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24), *parts)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of boxes that follow each other, as far as they are whole."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _properties(meta: bytes) -> list[tuple[bytes, bytes]]:
    """Return what is said of the picture, in order."""
    (found,) = [content for kind, content in _boxes(meta[4:]) if kind == b"iprp"][:1] or [b""]
    (inner,) = [content for kind, content in _boxes(found) if kind == b"ipco"][:1] or [b""]
    return list(_boxes(inner))
