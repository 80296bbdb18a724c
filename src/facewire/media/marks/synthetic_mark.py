"""What says, in a file, that a model made its pictures: written into it and read from any file.

The words are the IPTC's: the property DigitalSourceType, here compositeWithTrainedAlgorithmicMedia: a picture of a
camera, a part of which a model made. They stand in an XMP packet

    .png .jpg .webp    where the format has a place for it
    .gif               as an application block before the end
    .mp4 .mov          as a `uuid` box at the end

and in .mkv and .webm, which have no place for XMP, as the tag DIGITAL_SOURCE_TYPE. Programs that sort and label
pictures read the first; content_credentials.py adds signed ones.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import PngImagePlugin

from facewire.media.libav_errors import FOREIGN

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPE = SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
CREATOR = "Facewire"
TAG, TOOL_TAG = "DIGITAL_SOURCE_TYPE", "CREATOR_TOOL"
"""In Matroska."""

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The XMP specification's name of its box in MP4."""
_GIF_BLOCK = b"\x21\xff\x0bXMP DataXMP"
_GIF_TRAILER = bytes((1, *range(255, -1, -1), 0))
"""Leads a reader that takes the packet for sub-blocks to its end, wherever it is."""
_GIF_END = b"\x3b"
_LARGEST_PACKET = 1 << 20
_FOUND = re.compile(rb"DigitalSourceType[^<>]{0,40}?[>\"']\s*(http://cv\.iptc\.org/newscodes/[\w/]+)")
_TOOL = re.compile(rb"CreatorTool[>=\"'\s]+([\w .+-]{1,64})")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a file says of how its pictures were made.

    source_type  the IPTC's word for it, an address
    tool         what made them, if it says so
    """

    source_type: str
    tool: str | None


def packet() -> bytes:
    """Return the XMP packet."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"<xmp:CreatorTool>{CREATOR}</xmp:CreatorTool>"
        f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def picture_options(format_name: str) -> dict[str, Any]:
    """Return what Pillow's writer of PNG, JPEG or WEBP takes to put the packet in."""
    if format_name != "PNG":
        return {"xmp": packet()}
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet().decode())
    return {"pnginfo": text}


def container_tags(muxer: str) -> dict[str, str]:
    """Return the tags of a container's own that say it, for the muxers that keep any."""
    return {TAG: SOURCE_TYPE, TOOL_TAG: CREATOR} if muxer in ("matroska", "webm") else {}


def mark_container(path: Path, muxer: str) -> None:
    """Put the packet into a finished file, if its kind has a place that can be added to."""
    if muxer in ("mp4", "mov"):
        body = _XMP_BOX + packet()
        with path.open("ab") as file:
            file.write(struct.pack(">I4s", 8 + len(body), b"uuid") + body)
    elif muxer == "gif":
        with path.open("r+b") as file:
            file.seek(-len(_GIF_END), 2)
            file.write(_GIF_BLOCK + packet() + _GIF_TRAILER + _GIF_END)


def read_mark(path: str | Path) -> Mark | None:
    """Return what a picture or a video says of how it was made; None if it says nothing, or is neither.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(16)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return _in(b"".join(_xmp_boxes(Path(path))))
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _in_tags(path)
    if head[:3] in (b"\x89PN", b"\xff\xd8\xff", b"GIF", b"RIF"):
        return _in(Path(path).read_bytes())
    return None


def _in(data: bytes) -> Mark | None:
    found, tool = _FOUND.search(data), _TOOL.search(data)
    return None if found is None else Mark(found[1].decode(), tool[1].decode().strip() if tool else None)


def _xmp_boxes(path: Path) -> Iterator[bytes]:
    """Yield the packets of an MP4's top level."""
    end = path.stat().st_size
    with path.open("rb") as file:
        place = 0
        while place + 8 <= end:
            file.seek(place)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:
                size = int.from_bytes(file.read(8), "big")
            size = size or end - place
            if size < 8:
                return
            if kind == b"uuid" and file.read(16) == _XMP_BOX:
                yield file.read(min(size - 24, _LARGEST_PACKET))
            place += size


def _in_tags(path: str | Path) -> Mark | None:
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            tags = {name.upper(): value for name, value in container.metadata.items()}
    except FOREIGN:
        return None
    return Mark(tags[TAG], tags.get(TOOL_TAG)) if TAG in tags else None
